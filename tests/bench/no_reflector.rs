//! Where there are no TUN devices of Linux.

pub fn start(_delay: std::time::Duration) -> anyhow::Result<()> {
    anyhow::bail!("the delayed line needs a TUN device of Linux")
}
