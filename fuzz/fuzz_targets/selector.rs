//! See `ktk_fuzz::selector`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ktk_fuzz::selector(data));
