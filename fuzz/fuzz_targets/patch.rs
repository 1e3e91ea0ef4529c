//! See `ktk_fuzz::patch`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ktk_fuzz::patch(data));
