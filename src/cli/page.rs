//! `page`: the page of `listen` as plain files.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;

use super::{Exit, args::Common, listen::note, pages::print};
use crate::node::page::ASSETS;

/// Write the page as plain files, for any web server
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  p2p-probe page --out public/p2p-probe

Serve the folder by HTTPS: over plain HTTP, browsers have no WebTransport but on the machine itself. Each file lies there as it is and, with
.br or .gz at its end, compressed by brotli or gzip. The page holds its own Content-Security-Policy, and asks no other server for anything.")]
pub(super) struct PageArgs {
    /// Write into this folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn page(args: &PageArgs, common: &Common) -> anyhow::Result<Exit> {
    is_built()?;
    for asset in ASSETS {
        let path = args.out.join(asset.path);
        // The list is the program's own; that it stays in the folder is worth a look.
        anyhow::ensure!(Path::new(asset.path).components().all(|part| matches!(part, Component::Normal(_))), "{}", asset.path);
        let cannot = || format!("cannot write {}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(&args.out)).with_context(cannot)?;
        fs::write(&path, asset.plain()?).with_context(cannot)?;
        for (end, bytes) in [(".br", asset.brotli), (".gz", asset.gzip)] {
            let mut packed = path.clone().into_os_string();
            packed.push(end);
            fs::write(packed, bytes).with_context(cannot)?;
        }
    }
    note(common, &format!("{} files in {}", ASSETS.len(), args.out.display()));
    print(cost().as_bytes())
}

/// Whether there is a page to serve.
pub(super) fn is_built() -> anyhow::Result<()> {
    anyhow::ensure!(!ASSETS.is_empty(), "this p2p-probe was built without the page (feature `page`)");
    Ok(())
}

/// What each file costs a browser, in bytes: as it is, and over the line.
fn cost() -> String {
    let lines = ASSETS.iter().map(|asset| (asset.path, [bytes(asset.size), asset.gzip.len(), asset.brotli.len()]));
    let all = lines.clone().fold([0; 3], |all, (_, sizes)| std::array::from_fn(|place| all[place] + sizes[place]));
    let heading = format!("{:>9}  {:>9}  {:>9}\n", "bytes", "gzip", "brotli");
    lines
        .chain([("all", all)])
        .fold(heading, |table, (path, [size, gzip, brotli])| format!("{table}{size:>9}  {gzip:>9}  {brotli:>9}  {path}\n"))
}

fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}
