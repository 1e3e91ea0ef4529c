//! See `ktk_fuzz::jsonpath`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ktk_fuzz::jsonpath(data));
