//! Codes: closed, documented words that programs match on. Each family is one table in the source; the enum, its JSON
//! form, its schema and its `explain` pages are made from that table.

use schemars::JsonSchema;
use serde::Serialize;

/// One row of a table of codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Page {
    /// The code, kebab-case.
    pub code: &'static str,
    /// What kind of code it is: `cause`, `why`, `verdict`, `hint`, `warning`, `remedy`, `difference`.
    pub family: &'static str,
    /// A few words for one line.
    pub brief: &'static str,
    /// Fields that stand beside the code.
    pub fields: &'static [&'static str],
    /// The stages in which a cause may occur.
    pub stages: &'static [super::StageName],
    /// What it means and what to do, one paragraph an entry.
    pub text: &'static [&'static str],
}

/// Makes an enum of codes without fields from a table. The doc comment of a row is its page.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        $name:ident, $family:literal, { $( $(#[doc = $doc:literal])+ $variant:ident = $code:literal, $brief:expr; )+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $( $(#[doc = $doc])+ #[serde(rename = $code)] $variant, )+
            /// A code that this version does not know, as it was read.
            #[serde(untagged)]
            Unrecognised(String),
        }

        impl $name {
            /// The table: every code, in the order of its rank where it has one.
            pub const PAGES: &'static [$crate::model::Page] = &[ $( $crate::model::Page {
                code: $code, family: $family, brief: $brief, fields: &[], stages: &[], text: &[ $($doc),+ ],
            } ),+ ];

            /// Every value that this version knows, in the order of the table.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![ $( Self::$variant ),+ ]
            }

            /// The code as reports carry it.
            #[must_use]
            pub fn code(&self) -> &str {
                match self { $( Self::$variant => $code, )+ Self::Unrecognised(code) => code }
            }

            /// A few words for one line; the code itself where it is not known.
            #[must_use]
            pub fn brief(&self) -> &str {
                match self { $( Self::$variant => $brief, )+ Self::Unrecognised(code) => code }
            }
        }
    };
}

pub(crate) use codes;
