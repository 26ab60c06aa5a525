//! Builds the program for pages and Node (feature `page`): the crate `wasm-probe` as WebAssembly, with its JavaScript, in
//! `OUT_DIR/wasm` and, where the source folder can be written, in `js/wasm`.

#[cfg(feature = "page")]
#[path = "js/page/build.rs"]
mod pack;
#[cfg(feature = "page")]
#[path = "wasm-probe/build.rs"]
mod page;

#[cfg(not(feature = "page"))]
mod page {
    //! Nothing to build.

    #[expect(clippy::unnecessary_wraps, reason = "the other one can fail")]
    pub(crate) fn build() -> Result<(), String> {
        println!("cargo::rerun-if-changed=build.rs");
        Ok(())
    }
}

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "cargo shows it")]
fn main() -> ExitCode {
    match page::build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}
