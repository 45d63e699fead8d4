//! How listener and client show each other that they have the same key, without showing the key.
//!
//! ```text
//! listener                                   client
//!   question: magic, nonce          ─────▶
//!                                   ◀─────     answer: nonce, types, proof
//!   verdict: outcome, proof         ─────▶
//! ```
//! A proof is the HMAC-SHA256, under the key, of who says what about these two nonces: it cannot be computed without the key, used
//! a second time, or sent back to the one from whom it came (the roles have different labels). All three messages have fixed
//! lengths, and nothing else is read from a side that has proved nothing.

use std::any::type_name;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest as _, Sha256};

use crate::{Error, Result};

const MAGIC: [u8; 8] = *b"ofslink1";
const HASH: usize = 32;
pub(super) const QUESTION: usize = MAGIC.len() + HASH;
pub(super) const ANSWER: usize = 3 * HASH;
pub(super) const VERDICT: usize = 1 + HASH;

/// What both sides share.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

/// The types of a connection, as both sides see them: what the client sends, and what it receives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Types([u8; HASH]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Outcome {
    // 0, with no proof: refused. There is nothing to prove with.
    Welcome = 1,
    OtherTypes = 2,
}

/// The listener's side of one handshake.
#[derive(Debug)]
pub(super) struct Host {
    nonce: [u8; HASH],
}

/// The client's side of one handshake.
#[derive(Debug)]
pub(super) struct Guest {
    nonces: [[u8; HASH]; 2],
    types: Types,
}

impl Key {
    pub(super) fn new(key: &[u8]) -> Self {
        // Shorter ones are padded, longer ones hashed: no length is refused.
        let mac = Hmac::new_from_slice(key);
        Self(mac.unwrap_or_else(|_| unreachable!("HMAC takes keys of every length")))
    }

    fn sign(
        &self,
        role: &[u8; 8],
        outcome: Outcome,
        nonces: [&[u8]; 2],
        types: Types,
    ) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(role);
        mac.update(&[outcome as u8]);
        nonces.iter().for_each(|nonce| mac.update(nonce));
        mac.update(&types.0);
        mac
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Types {
    pub(super) fn of<FromClient, ToClient>() -> Self {
        let names = [type_name::<FromClient>(), type_name::<ToClient>()].map(plain);
        Self(Sha256::digest(names.join(" there, back ")).into())
    }
}

/// A type's name without paths: another program may keep the same type elsewhere.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    let mut word = 0;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        if character == ':' && characters.next_if_eq(&':').is_some() {
            plain.truncate(word);
            continue;
        }
        plain.push(character);
        if !(character.is_alphanumeric() || character == '_') {
            word = plain.len();
        }
    }
    plain
}

impl Host {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { nonce: nonce()? })
    }

    pub(super) fn question(&self) -> [u8; QUESTION] {
        let mut question = [0; QUESTION];
        question[..MAGIC.len()].copy_from_slice(&MAGIC);
        question[MAGIC.len()..].copy_from_slice(&self.nonce);
        question
    }

    /// Judges an answer: what to tell the client, and whether it may come in.
    pub(super) fn judge<FromClient, ToClient>(
        &self,
        key: &Key,
        answer: &[u8; ANSWER],
    ) -> ([u8; VERDICT], Result<()>) {
        let (nonce, rest) = answer.split_at(HASH);
        let (types, proof) = rest.split_at(HASH);
        let mut theirs = Types([0; HASH]);
        theirs.0.copy_from_slice(types);
        let nonces = [&self.nonce, nonce];
        let mac = key.sign(b"client  ", Outcome::Welcome, nonces, theirs);
        if mac.verify_slice(proof).is_err() {
            return ([0; VERDICT], Err(refused("it does not have the key")));
        }
        let ours = Types::of::<FromClient, ToClient>();
        let (outcome, result) = if ours.0 == theirs.0 {
            (Outcome::Welcome, Ok(()))
        } else {
            (Outcome::OtherTypes, Err(other_types::<ToClient, FromClient>()))
        };
        let mut verdict = [outcome as u8; VERDICT];
        let mac = key.sign(b"listener", outcome, nonces, theirs);
        verdict[1..].copy_from_slice(&mac.finalize().into_bytes());
        (verdict, result)
    }
}

impl Guest {
    /// Answers a listener's question.
    pub(super) fn answer<FromClient, ToClient>(
        key: &Key,
        question: &[u8; QUESTION],
    ) -> Result<(Self, [u8; ANSWER])> {
        let theirs = question.strip_prefix(&MAGIC).and_then(|nonce| nonce.try_into().ok());
        let theirs = theirs.ok_or_else(|| refused("it is no listener of offspring"))?;
        let types = Types::of::<FromClient, ToClient>();
        let guest = Self { nonces: [theirs, nonce()?], types };
        let [theirs, ours] = &guest.nonces;
        let mac = key.sign(b"client  ", Outcome::Welcome, [theirs, ours], types);
        let mut answer = [0; ANSWER];
        answer[..HASH].copy_from_slice(ours);
        answer[HASH..2 * HASH].copy_from_slice(&types.0);
        answer[2 * HASH..].copy_from_slice(&mac.finalize().into_bytes());
        Ok((guest, answer))
    }

    /// Hears the verdict, and whether it comes from one who has the key.
    pub(super) fn hear<FromClient, ToClient>(
        self,
        key: &Key,
        verdict: &[u8; VERDICT],
    ) -> Result<()> {
        let (outcome, proof) = verdict.split_at(1);
        let outcome = match outcome {
            [1] => Outcome::Welcome,
            [2] => Outcome::OtherTypes,
            _ => return Err(refused("it says that this key is not its own")),
        };
        let [theirs, ours] = &self.nonces;
        let mac = key.sign(b"listener", outcome, [theirs, ours], self.types);
        if mac.verify_slice(proof).is_err() {
            return Err(refused("it does not have the key"));
        }
        match outcome {
            Outcome::Welcome => Ok(()),
            _ => Err(other_types::<FromClient, ToClient>()),
        }
    }
}

fn nonce() -> Result<[u8; HASH]> {
    let mut nonce = [0; HASH];
    let mut filled = 0;
    while filled < HASH {
        let more =
            rustix::io::retry_on_intr(|| getrandom(&mut nonce[filled..], GetRandomFlags::empty()));
        filled += more.map_err(Error::system("get random bytes"))?;
    }
    Ok(nonce)
}

pub(super) fn refused(reason: &str) -> Error {
    Error::Authentication { reason: reason.to_owned() }
}

fn other_types<S, R>() -> Error {
    Error::OtherTypes { sends: type_name::<S>(), receives: type_name::<R>() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Ended = (Result<()>, Result<()>);

    /// A handshake between two keys, in the middle of which `meddle` changes messages.
    fn handshake(ours: &Key, theirs: &Key, meddle: impl Fn(&mut [u8])) -> Ended {
        let host = Host::new().unwrap();
        let mut question = host.question();
        meddle(&mut question);
        let (guest, mut answer) = match Guest::answer::<u8, String>(theirs, &question) {
            Ok(answered) => answered,
            Err(error) => return (Err(refused("no answer")), Err(error)),
        };
        meddle(&mut answer);
        let (mut verdict, judged) = host.judge::<u8, String>(ours, &answer);
        meddle(&mut verdict);
        (judged, guest.hear::<u8, String>(theirs, &verdict))
    }

    /// The first test vector of RFC 4231 that has no round numbers.
    #[test]
    fn the_proof_is_hmac_sha256() {
        let mut mac = Key::new(b"Jefe").0;
        mac.update(b"what do ya want for nothing?");
        let expected = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95,
            0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9,
            0x64, 0xec, 0x38, 0x43,
        ];
        mac.verify_slice(&expected).unwrap();
    }

    #[test]
    fn only_the_same_key_opens() {
        let long = vec![7; 1000];
        for key in [&b""[..], b"k", &long] {
            let same = Key::new(key);
            let (host, guest) = handshake(&same, &same, |_| ());
            assert!(host.is_ok() && guest.is_ok());
            let (host, guest) = handshake(&same, &Key::new(b"other"), |_| ());
            let reasons = [host, guest].map(|end| end.unwrap_err().to_string());
            assert!(reasons[0].ends_with("it does not have the key"), "{reasons:?}");
            assert!(reasons[1].ends_with("this key is not its own"), "{reasons:?}");
        }
    }

    #[test]
    fn a_proof_cannot_be_sent_back_or_used_again() {
        let key = Key::new(b"key");
        let (one, two) = (Host::new().unwrap(), Host::new().unwrap());
        let (guest, answer) = Guest::answer::<u8, u8>(&key, &one.question()).unwrap();
        assert!(one.judge::<u8, u8>(&key, &answer).1.is_ok());
        assert!(two.judge::<u8, u8>(&key, &answer).1.is_err(), "used again");
        let mut echo = [1; VERDICT];
        echo[1..].copy_from_slice(&answer[2 * HASH..]);
        assert!(guest.hear::<u8, u8>(&key, &echo).is_err(), "sent back");
    }

    #[test]
    fn both_sides_are_told_of_other_types() {
        let key = Key::new(b"key");
        let host = Host::new().unwrap();
        let (guest, answer) = Guest::answer::<u8, Vec<String>>(&key, &host.question()).unwrap();
        let (verdict, judged) = host.judge::<u8, Vec<u32>>(&key, &answer);
        assert!(matches!(judged, Err(Error::OtherTypes { sends, .. }) if sends.contains("u32")));
        let heard = guest.hear::<u8, Vec<String>>(&key, &verdict);
        assert!(matches!(heard, Err(Error::OtherTypes { sends: "u8", .. })));
    }

    #[test]
    fn names_are_compared_without_paths() {
        assert_eq!(plain("alloc::vec::Vec<(a::B, [c::d::E_1; 4])>"), "Vec<(B, [E_1; 4])>");
        assert_eq!(plain("&str"), "&str");
    }

    proptest! {
        #[test]
        fn every_changed_bit_is_noticed(at in 0usize..QUESTION + ANSWER + VERDICT, bit in 0u32..8) {
            let key = Key::new(b"key");
            let turned = |message: &mut [u8]| {
                let before = match message.len() {
                    QUESTION => 0,
                    ANSWER => QUESTION,
                    _ => QUESTION + ANSWER,
                };
                if let Some(byte) = at.checked_sub(before).and_then(|at| message.get_mut(at)) {
                    *byte ^= 1 << bit;
                }
            };
            let (_, guest) = handshake(&key, &key, turned);
            prop_assert!(guest.is_err());
        }

        #[test]
        fn hostile_messages_are_refused(question: [u8; QUESTION], answer in proptest::collection::vec(any::<u8>(), ANSWER)) {
            let key = Key::new(b"");
            prop_assert!(Guest::answer::<u8, u8>(&key, &question).is_err());
            let answer: &[u8; ANSWER] = answer.as_slice().try_into().unwrap();
            prop_assert!(Host::new().unwrap().judge::<u8, u8>(&key, answer).1.is_err());
        }
    }
}
