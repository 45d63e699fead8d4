//! What is done with collections, by how many, and what is counted.

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`label` says in words what each is")]
pub enum Case {
    Get,
    Set,
    Mix,
    StringGet,
    StringSet,
    Append,
    Index,
    Fill,
}

/// On what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A map of keys of 8 B to values of 64 B.
    Numbers,
    /// A map of strings to structs with a string and a vector in them.
    Strings,
    /// A list of numbers.
    List,
    /// An array of numbers.
    Array,
}

/// Words of the array: 64 MiB.
pub const WORDS: usize = 8 << 20;

impl Case {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::Get,
        Self::Set,
        Self::Mix,
        Self::StringGet,
        Self::StringSet,
        Self::Append,
        Self::Index,
        Self::Fill,
    ];

    /// Its name in criterion's folders and on an agent's command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Get => "dict_get",
            Self::Set => "dict_set",
            Self::Mix => "dict_mix_2",
            Self::StringGet => "dict_string_get",
            Self::StringSet => "dict_string_set",
            Self::Append => "list_append",
            Self::Index => "list_index",
            Self::Fill => "array_fill_2",
        }
    }

    /// Its name in the table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "insert over",
            Self::Mix => "half and half, by 2",
            Self::StringGet => "get, strings and structs",
            Self::StringSet => "insert over, the same",
            Self::Append => "list append",
            Self::Index => "list index",
            Self::Fill => "array fill, by 2",
        }
    }

    /// The case with this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.key() == key)
    }

    /// On what it is done.
    pub fn kind(self) -> Kind {
        match self {
            Self::Get | Self::Set | Self::Mix => Kind::Numbers,
            Self::StringGet | Self::StringSet => Kind::Strings,
            Self::Append | Self::Index => Kind::List,
            Self::Fill => Kind::Array,
        }
    }

    /// How many take part.
    pub fn parties(self) -> usize {
        if matches!(self, Self::Mix | Self::Fill) { 2 } else { 1 }
    }

    /// Operations of one iteration of criterion's, of all together; for the array, bytes.
    pub fn items(self) -> usize {
        match self.kind() {
            Kind::Array => 8 * WORDS,
            _ => super::record::TURN * self.parties(),
        }
    }
}
