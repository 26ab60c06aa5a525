//! `bindgen PROGRAM.wasm FOLDER`: writes the JavaScript that a browser or Node loads the program with.

use std::env;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [program, folder] = arguments.as_slice() else { return Err("usage: bindgen PROGRAM.wasm FOLDER".into()) };
    Bindgen::new().input_path(program).web(true)?.omit_default_module_path(false).typescript(false).generate(folder)?;
    Ok(())
}
