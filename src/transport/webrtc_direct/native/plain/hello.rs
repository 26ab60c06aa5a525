//! The form of the first messages of DTLS, as far as every version has it (RFC 6347, section 4.2.1; RFC 8446, section 4.1).

/// The longest session ID.
const SESSION: usize = 32;
const RANDOM: usize = 32;

/// Reads from the front, or fails.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Bytes with their number, one byte, before them.
    fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?[0];
        self.take(length.into())
    }

    /// Bytes with their number, two bytes, before them.
    fn long(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        self.take(length.into())
    }

    /// The version, which begins with the same byte in all of DTLS.
    fn version(&mut self) -> Option<()> {
        (self.take(2)?[0] == 0xfe).then_some(())
    }

    fn session(&mut self) -> Option<()> {
        (self.short()?.len() <= SESSION).then_some(())
    }

    /// Extensions, if there are any, up to the end.
    fn extensions(&mut self) -> Option<()> {
        if self.0.is_empty() {
            return Some(());
        }
        let mut all = Fields(self.long()?);
        while !all.0.is_empty() {
            all.take(2)?;
            all.long()?;
        }
        self.0.is_empty().then_some(())
    }
}

/// Whether a message has the form of a `ClientHello`.
pub(super) fn is_of_client(body: &[u8]) -> bool {
    of_client(Fields(body)).is_some()
}

fn of_client(mut fields: Fields<'_>) -> Option<()> {
    fields.version()?;
    fields.take(RANDOM)?;
    fields.session()?;
    fields.short()?;
    let suites = fields.long()?;
    let compressions = fields.short()?;
    (!suites.is_empty() && suites.len() % 2 == 0 && compressions.contains(&0)).then_some(())?;
    fields.extensions()
}

/// Whether a message has the form of a `ServerHello`.
pub(super) fn is_of_server(body: &[u8]) -> bool {
    of_server(Fields(body)).is_some()
}

fn of_server(mut fields: Fields<'_>) -> Option<()> {
    fields.version()?;
    fields.take(RANDOM)?;
    fields.session()?;
    fields.take(2)?;
    (fields.take(1)? == [0]).then_some(())?;
    fields.extensions()
}

/// Whether a message has the form of a `HelloVerifyRequest`.
pub(super) fn is_request(body: &[u8]) -> bool {
    let mut fields = Fields(body);
    fields.version().and_then(|()| fields.short()).is_some_and(|cookie| !cookie.is_empty()) && fields.0.is_empty()
}
