//! The pages of `explain`, and the same as Markdown.

use std::fmt::Write as _;

use strum::IntoEnumIterator as _;

use super::{Piece, Style, Tone};
use crate::model::Page;

/// A page: the code, what kind it is, its text, its fields and stages.
#[must_use]
pub fn page(page: &Page, style: &Style) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} ({}): {}", style.paint(Tone::Strong, page.code), page.family, page.brief);
    for paragraph in paragraphs(page) {
        out.push('\n');
        style.fill(&mut out, "  ", &Piece::words(Tone::Plain, &paragraph).collect::<Vec<_>>(), " ");
    }
    if !page.fields.is_empty() || !page.stages.is_empty() {
        out.push('\n');
    }
    if !page.fields.is_empty() {
        style.fill(&mut out, "  fields: ", &Piece::words(Tone::Plain, &page.fields.join(", ")).collect::<Vec<_>>(), " ");
    }
    if !page.stages.is_empty() {
        style.fill(&mut out, "  stages: ", &Piece::words(Tone::Plain, &stages(page)).collect::<Vec<_>>(), " ");
    }
    out
}

/// Every code, one a line, by family.
#[must_use]
pub fn list<'a>(pages: impl IntoIterator<Item = &'a Page>, style: &Style) -> String {
    let pages: Vec<&Page> = pages.into_iter().collect();
    let width = pages.iter().map(|page| page.code.len()).max().unwrap_or(0);
    let mut out = String::new();
    let mut family = "";
    for page in pages {
        if page.family != family {
            let gap = if family.is_empty() { "" } else { "\n" };
            family = page.family;
            let _ = writeln!(out, "{gap}{}", style.paint(Tone::Strong, heading(family)));
        }
        let lead = format!("  {:width$}  ", page.code);
        style.fill(&mut out, &lead, &Piece::words(Tone::Plain, page.brief).collect::<Vec<_>>(), " ");
    }
    out
}

/// Pages as a Markdown table: code and fields, stages, meaning.
#[must_use]
pub fn markdown<'a>(pages: impl IntoIterator<Item = &'a Page>) -> String {
    let mut out = String::from("| Code | Stages | Meaning |\n|---|---|---|\n");
    for page in pages {
        let fields = if page.fields.is_empty() { String::new() } else { format!(" {{{}}}", page.fields.join(", ")) };
        let meaning = paragraphs(page).join("<br>").replace('|', "\\|");
        let _ = writeln!(out, "| `{}`{fields} | {} | {meaning} |", page.code, stages(page));
    }
    out
}

fn heading(family: &str) -> &str {
    match family {
        "cause" => "Causes: why something failed",
        "why" => "Reasons: why something was skipped or could not be told",
        "verdict" => "Verdicts: what a report comes to",
        "hint" => "Hints: what would help",
        "warning" => "Warnings: what else is wrong",
        "remedy" => "Remedies: what lets peers reach this machine",
        "difference" => "Differences: why two reports differ",
        other => other,
    }
}

fn stages(page: &Page) -> String {
    if page.stages.len() == crate::model::StageName::iter().count() {
        return "any".into();
    }
    page.stages.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The lines of a page, joined up to each empty one.
fn paragraphs(page: &Page) -> Vec<String> {
    let lines: Vec<&str> = page.text.iter().map(|line| line.trim()).collect();
    lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()).map(|lines| lines.join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::{Cause, StageName};

    /// The table of a Markdown text that begins like the table of pages: where it begins and ends.
    fn table(text: &str) -> Option<(usize, usize)> {
        let start = text.find("| Code | Stages |")?;
        let length = text[start..].find("\n\n").map_or(text.len() - start, |end| end + 1);
        Some((start, start + length))
    }

    #[test]
    fn the_readme_lists_the_causes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let mut readme = std::fs::read_to_string(&path).expect("README.md");
        let causes = markdown(Cause::PAGES);
        let (start, end) = table(&readme).expect("README.md has a table of codes");
        // `P2P_PROBE_BLESS=1 cargo test` writes it anew after a change of the causes.
        if std::env::var_os("P2P_PROBE_BLESS").is_some() {
            readme.replace_range(start..end, &causes);
            std::fs::write(&path, &readme).unwrap();
            return;
        }
        assert!(readme[start..end] == causes, "the causes in README.md are not current: run this test with P2P_PROBE_BLESS=1");
    }

    #[test]
    fn a_row_of_the_table_keeps_to_its_columns() {
        let page = Page {
            code: "some-code",
            family: "cause",
            brief: "brief",
            fields: &["what", "status"],
            stages: &[StageName::Connect, StageName::Secure],
            text: &[" One | two", " three.", "", " Next."],
        };
        let expected = "| `some-code` {what, status} | connect, secure | One \\| two three.<br>Next. |";
        assert_eq!(markdown([&page]).lines().last(), Some(expected));
    }
}
