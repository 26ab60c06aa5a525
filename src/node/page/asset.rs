//! The files of the page, packed by the build script.

use std::io::Read as _;

use brotli_decompressor::Decompressor;

/// Larger than any file of the page, in bytes.
const LARGEST: u64 = 16 << 20;
/// What is read at once when a file is unpacked, in bytes.
const CHUNK: usize = 4096;

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Where it is, without a slash at the front: `index.html`, `page/page.js`.
    pub path: &'static str,
    /// Its bytes, compressed by brotli (RFC 7932).
    pub brotli: &'static [u8],
    /// The same by gzip (RFC 1952): over plain HTTP from another machine browsers take no brotli.
    pub gzip: &'static [u8],
    /// How many bytes it has.
    pub size: u64,
    /// A word that changes with its bytes.
    pub tag: &'static str,
}

/// A packed file that does not unpack.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the file {path} of the page is damaged in this program")]
pub struct Damaged {
    /// Which.
    pub path: &'static str,
}

/// Every file of the page; none in a program that was built without it (feature `page`).
pub const ASSETS: &[Asset] = packed::ASSETS;

#[cfg(feature = "page")]
mod packed {
    include!(concat!(env!("OUT_DIR"), "/page.rs"));
}

#[cfg(not(feature = "page"))]
mod packed {
    pub(super) const ASSETS: &[super::Asset] = &[];
}

impl Asset {
    /// The file as it is.
    pub fn plain(&self) -> Result<Vec<u8>, Damaged> {
        let mut bytes = Vec::new();
        let unpacked = Decompressor::new(self.brotli, CHUNK).take(LARGEST).read_to_end(&mut bytes);
        let whole = u64::try_from(bytes.len()).is_ok_and(|length| length == self.size);
        if unpacked.is_ok() && whole { Ok(bytes) } else { Err(Damaged { path: self.path }) }
    }

    /// Its type, by its name.
    #[must_use]
    pub fn mime(&self) -> &'static str {
        match self.path.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "wasm" => "application/wasm",
            "svg" => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }
}
