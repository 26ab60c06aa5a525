//! Both layouts of JSON as one type: as two, the code that writes a report would be there twice, and a page has to fetch it.

use std::io::{self, Write};

use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// How JSON is laid out.
pub(super) enum Layout {
    Line(CompactFormatter),
    Indented(PrettyFormatter<'static>),
}

impl Layout {
    pub(super) fn line() -> Self {
        Self::Line(CompactFormatter)
    }

    pub(super) fn indented() -> Self {
        Self::Indented(PrettyFormatter::new())
    }
}

/// Hands each call on.
macro_rules! hand_on {
    ($($call:ident($($argument:ident: $kind:ty)?);)+) => { $(
        fn $call<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $kind)?) -> io::Result<()> {
            match self {
                Self::Line(layout) => layout.$call(writer $(, $argument)?),
                Self::Indented(layout) => layout.$call(writer $(, $argument)?),
            }
        }
    )+ };
}

impl Formatter for Layout {
    hand_on! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }
}
