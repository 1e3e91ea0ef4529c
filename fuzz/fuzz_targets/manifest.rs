//! See `ktk_fuzz::manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ktk_fuzz::manifest(data));
