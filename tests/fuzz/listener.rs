#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| p2p_probe::transport::webrtc_direct::fuzz::listener(data));
