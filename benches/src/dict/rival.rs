//! Who takes part, and in what.

use super::case::{Case, Kind};

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`label` says in words what each is")]
pub enum Rival {
    Offspring,
    RwLock,
    Mutex,
    DashMap,
    Slices,
    Lmdb,
    Redis,
    PythonManager,
    PythonShared,
}

impl Rival {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::Offspring,
        Self::RwLock,
        Self::Mutex,
        Self::DashMap,
        Self::Slices,
        Self::Lmdb,
        Self::Redis,
        Self::PythonManager,
        Self::PythonShared,
    ];

    /// Its name in criterion's folders and on an agent's command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Offspring => "offspring",
            Self::RwLock => "rwlock",
            Self::Mutex => "mutex",
            Self::DashMap => "dashmap",
            Self::Slices => "slices",
            Self::Lmdb => "lmdb",
            Self::Redis => "redis",
            Self::PythonManager => "cpython_manager",
            Self::PythonShared => "cpython_shared",
        }
    }

    /// Its name in the table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Offspring => "**offspring `Dict`, `List`, `Array` (survive kills)**",
            Self::RwLock => "`RwLock<HashMap>` (threads)",
            Self::Mutex => "`Mutex<HashMap>`, `Mutex<Vec>` (threads)",
            Self::DashMap => "DashMap (threads)",
            Self::Slices => "halves of a `Vec` (threads)",
            Self::Lmdb => "LMDB by heed, nothing synced",
            Self::Redis => "Redis, Unix socket",
            Self::PythonManager => "CPython `Manager`",
            Self::PythonShared => "CPython `RawArray`",
        }
    }

    /// The rival with this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rival| rival.key() == key)
    }

    /// What the script of CPython's agent calls it.
    pub fn python(self) -> Option<&'static str> {
        match self {
            Self::PythonManager => Some("manager"),
            Self::PythonShared => Some("shared"),
            _ => None,
        }
    }

    /// Whether it has what the case needs.
    pub fn takes(self, case: Case) -> bool {
        let kind = case.kind();
        match self {
            Self::Offspring | Self::PythonManager => true,
            Self::RwLock | Self::DashMap | Self::Lmdb => {
                matches!(kind, Kind::Numbers | Kind::Strings)
            }
            Self::Mutex | Self::Redis => kind != Kind::Array,
            Self::Slices | Self::PythonShared => kind == Kind::Array,
        }
    }
}
