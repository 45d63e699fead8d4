//! How records are written as bytes, for those who keep nothing else.

use heed::{Comparator, DefaultComparator, IntegerComparator};

use super::record::{Player, Record, Words};

/// As plain words where it is made of them, else by the codec that ours use.
pub trait Bytes: Record {
    /// How LMDB compares keys most quickly.
    type Order: Comparator + 'static;

    /// Writes a key.
    fn put_key(key: &Self::Key, to: &mut Vec<u8>);

    /// Writes a value.
    fn put(&self, to: &mut Vec<u8>);

    /// Reads a value.
    fn got(from: &[u8]) -> Self;
}

impl Bytes for Words {
    type Order = IntegerComparator;

    #[inline]
    fn put_key(key: &u64, to: &mut Vec<u8>) {
        to.extend_from_slice(&key.to_ne_bytes());
    }

    #[inline]
    fn put(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.map(u64::to_ne_bytes).as_flattened());
    }

    #[inline]
    fn got(from: &[u8]) -> Self {
        let words: &[[u8; 8]; 8] = from.as_chunks().0.try_into().expect("as many as were put");
        words.map(u64::from_ne_bytes)
    }
}

impl Bytes for Player {
    type Order = DefaultComparator;

    fn put_key(key: &String, to: &mut Vec<u8>) {
        to.extend_from_slice(key.as_bytes());
    }

    fn put(&self, to: &mut Vec<u8>) {
        let buffer = std::mem::take(to);
        *to = postcard::to_extend(self, buffer).expect("it can be written");
    }

    fn got(from: &[u8]) -> Self {
        postcard::from_bytes(from).expect("as it was put")
    }
}
