//! What a key can be made of, where that is more than the key itself: a text, of a literal.

/// What [`Dict::from`](super::Dict::from) takes as a key: the key itself, or a `&str` for a `String`.
pub trait IntoKey<K> {
    /// The key.
    fn into_key(self) -> K;
}

impl<K> IntoKey<K> for K {
    fn into_key(self) -> K {
        self
    }
}

impl IntoKey<String> for &str {
    fn into_key(self) -> String {
        self.to_owned()
    }
}
