//! How what has a fixed capacity travels: as the text or the list that it holds, refused where there is no room.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::handle::explain;
use crate::{Full, Seq, Text};

impl<const N: usize> Serialize for Text<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_str().serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Text<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Characters::<N>)
    }
}

struct Characters<const N: usize>;

impl<const N: usize> Visitor<'_> for Characters<N> {
    type Value = Text<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of at most {N} bytes")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text<N>, E> {
        Text::try_from(text).map_err(|Full(())| {
            E::custom(explain(format_args!("a text of {} bytes does not fit into {N}", text.len())))
        })
    }
}

impl<T: Serialize, const N: usize> Serialize for Seq<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Seq<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

struct Items<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Items<T, N> {
    type Value = Seq<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Seq<T, N>, A::Error> {
        let mut all = Seq::new();
        while let Some(item) = items.next_element()? {
            all.push(item).map_err(|Full(_)| {
                A::Error::custom(explain(format_args!("there are more than {N} items")))
            })?;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Pack, Unpack};

    /// What becomes of a value that comes as another type.
    fn received<T: serde::de::DeserializeOwned + 'static>(
        sent: &(impl Serialize + 'static),
    ) -> Result<T, String> {
        let mut pack = Pack::new();
        pack.put(sent, "it");
        let (bytes, _) = pack.finish().map_err(|error| error.to_string())?;
        Unpack::new(&bytes, Vec::new()).take("it").map_err(|error| error.to_string())
    }

    #[test]
    fn what_does_not_fit_is_refused_and_says_so() {
        assert_eq!(received::<Text<4>>(&"four").unwrap(), "four");
        assert_eq!(
            received::<Text<4>>(&"five!").unwrap_err(),
            "`it` did not arrive: a text of 5 bytes does not fit into 4"
        );
        let words = ["a", "b", "c"].map(String::from).to_vec();
        assert_eq!(
            received::<Seq<Text<1>, 2>>(&words).unwrap_err(),
            "`it` did not arrive: there are more than 2 items"
        );
    }
}
