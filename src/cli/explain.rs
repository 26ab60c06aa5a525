//! `explain`: what codes and addresses mean.

use super::{
    Exit,
    args::{Common, ExplainArgs},
    output::Output,
    pages::print,
};
use crate::{
    explain,
    model::Cause,
    render::{self, Style},
    target,
};

pub(super) fn explain(args: &ExplainArgs, common: &Common) -> anyhow::Result<Exit> {
    let style = Output::open(None)?.style(common);
    let text = match args.what.as_deref() {
        _ if args.markdown => render::pages::markdown(Cause::PAGES),
        None => render::pages::list(explain::pages(), &style),
        // Codes are words; whatever else was meant as an address.
        Some(what) if what.contains(['/', ':', '.']) => {
            render::address(&explain::address(&target::multiaddr(what.trim())?), &style)
        }
        Some(code) => code_pages(code, &style)?,
    };
    print(text.as_bytes())
}

fn code_pages(code: &str, style: &Style) -> anyhow::Result<String> {
    let pages = explain::find(code);
    if pages.is_empty() {
        let nearest = explain::nearest(code);
        let meant = if nearest.is_empty() {
            "; `p2p-probe explain` lists them all".to_owned()
        } else {
            format!("; did you mean {}?", nearest.join(", "))
        };
        anyhow::bail!("there is no code \"{code}\"{meant}");
    }
    Ok(pages.into_iter().map(|page| render::pages::page(page, style)).collect::<Vec<_>>().join("\n"))
}
