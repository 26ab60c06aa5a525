//! Where a report goes: stdout, or a file that is written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::args::{Color, Common};
use crate::render::Style;

/// Widest and narrowest text.
const WIDTHS: (usize, usize) = (40, 80);

/// The one place that reports are written to.
pub(super) enum Output {
    /// The stream, and whether its reader is gone.
    Stdout { closed: bool },
    /// A regular file, under another name until it is whole.
    Draft(Draft),
    /// A device or a pipe with a name.
    Special(File, PathBuf),
}

/// A file in the making. It is removed again unless it was finished.
pub(super) struct Draft {
    file: File,
    made_at: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl Output {
    /// Opens it before the run, so that a folder that does not exist costs no time. `-` is stdout, as it is stdin where a report is read.
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else { return Ok(Self::Stdout { closed: false }) };
        let opened = match path.metadata() {
            Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(metadata) if !metadata.is_file() => {
                File::options().write(true).open(path).map(|file| Self::Special(file, path.to_owned()))
            }
            Ok(_) | Err(_) => Draft::create(path).map(Self::Draft),
        };
        opened.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes and flushes. A reader that has gone away is no error: the rest is for nobody.
    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Stdout { closed: true } => Ok(()),
            Self::Stdout { closed } => {
                let mut stdout = io::stdout().lock();
                match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => *closed = true,
                    written => written.context("cannot write to stdout")?,
                }
                Ok(())
            }
            Self::Draft(draft) => draft.file.write_all(bytes).with_context(|| format!("cannot write {}", draft.path.display())),
            Self::Special(file, path) => file.write_all(bytes).with_context(|| format!("cannot write {}", path.display())),
        }
    }

    /// Whether nobody reads what is written.
    pub(super) fn abandoned(&self) -> bool {
        matches!(self, Self::Stdout { closed: true })
    }

    /// Gives a file its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout { .. } | Self::Special(..) => Ok(()),
            Self::Draft(mut draft) => {
                let path = draft.path.clone();
                draft.finish().with_context(|| format!("cannot write {}", path.display()))
            }
        }
    }

    /// How text looks there.
    pub(super) fn style(&self, common: &Common) -> Style {
        let stdout = matches!(self, Self::Stdout { .. });
        let color = match common.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => stdout && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        };
        let terminal = if stdout && io::stdout().is_terminal() { terminal_size::terminal_size() } else { None };
        let width = terminal.map_or(WIDTHS.1, |(width, _)| usize::from(width.0).clamp(WIDTHS.0, WIDTHS.1));
        Style { color, width }
    }
}

impl Draft {
    fn create(path: &Path) -> io::Result<Self> {
        // Beside the file that a link leads to, not in place of the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
        name.push(format!(".{}.part", std::process::id()));
        let draft = path.with_file_name(name);
        let file = File::create_new(&draft)?;
        Ok(Self { file, made_at: draft, path, finished: false })
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.made_at, &self.path)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.finished {
            // It may be gone already; there is no other use of it.
            let _ = fs::remove_file(&self.made_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<std::ffi::OsString> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        fs::write(&path, "before").unwrap();
        let mut dropped = Output::open(Some(&path)).unwrap();
        dropped.write(b"half").unwrap();
        drop(dropped);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");

        let mut finished = Output::open(Some(&path)).unwrap();
        finished.write(b"one, ").unwrap();
        finished.write(b"two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        finished.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one, two");
        assert_eq!(names(dir.path()), ["report.json"]);
    }

    #[test]
    fn errors_name_the_file() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().join("no/such/folder"), dir.path().to_owned()] {
            let error = Output::open(Some(&path)).err().expect("cannot be written");
            assert!(format!("{error:#}").contains(&path.display().to_string()), "{error:#}");
        }
    }
}
