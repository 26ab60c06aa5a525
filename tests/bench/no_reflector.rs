//! Where there are no TUN devices of Linux.

/// There is none.
pub struct Reflector;

impl Reflector {
    pub fn lose(&self, _per_thousand: u32, _seed: u64) {}
}

pub fn start(_delay: std::time::Duration) -> anyhow::Result<Reflector> {
    anyhow::bail!("the delayed line needs a TUN device of Linux")
}
