//! `schema`, `completions`, `man`: what is made from the program itself.

use anyhow::Context as _;

use super::{
    Exit,
    args::{CompletionsArgs, ManArgs, SchemaArgs, SchemaOf},
    output::Output,
};
use crate::{render::json, schema};

pub(super) fn schema(args: &SchemaArgs) -> anyhow::Result<Exit> {
    let schema = match args.what {
        SchemaOf::Report => schema::report(),
        SchemaOf::Event => schema::event(),
        SchemaOf::Comparison => schema::comparison(),
    };
    print(&json::pretty(&schema)?)
}

pub(super) fn completions(args: &CompletionsArgs, mut command: clap::Command) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "p2p-probe", &mut script);
    print(&script)
}

pub(super) fn man(args: &ManArgs, command: clap::Command) -> anyhow::Result<Exit> {
    if let Some(folder) = &args.out {
        let cannot = || format!("cannot write manual pages into {}", folder.display());
        std::fs::create_dir_all(folder).with_context(cannot)?;
        clap_mangen::generate_to(command, folder).with_context(cannot)?;
        return Ok(Exit::Good);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    print(&page)
}

/// Something for stdout, and nothing more to do.
pub(super) fn print(bytes: &[u8]) -> anyhow::Result<Exit> {
    let mut output = Output::open(None)?;
    output.write(bytes)?;
    output.finish()?;
    Ok(Exit::Good)
}
