//! What the running executable is: its build, and where its code lies.
//!
//! # Safety
//! Reads the program headers that the kernel put into memory for the dynamic loader (`AT_PHDR`, see
//! getauxval(3) and elf(5)); they stay mapped and unchanged for the life of the process.
#![allow(unsafe_code, reason = "the program headers are only reachable through raw addresses")]

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::OnceLock;

/// The main executable as the kernel mapped it.
struct Image {
    build_id: u64,
    /// Address ranges of executable code.
    text: Vec<(usize, usize)>,
    /// Address range of all its segments.
    all: Vec<(usize, usize)>,
}

/// A number that differs between builds of the program.
pub(crate) fn build_id() -> u64 {
    image().build_id
}

/// Whether `address` lies in code of the main executable.
pub(crate) fn is_code(address: usize) -> bool {
    image().text.iter().any(|&(from, to)| (from..to).contains(&address))
}

/// Whether `address` lies anywhere in the main executable, as opposed to a shared library.
pub(crate) fn contains(address: usize) -> bool {
    image().all.iter().any(|&(from, to)| (from..to).contains(&address))
}

fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| read(program_headers()))
}

fn program_headers() -> &'static [libc::Elf64_Phdr] {
    // SAFETY: getauxval reads the auxiliary vector and has no preconditions.
    let address = unsafe { libc::getauxval(libc::AT_PHDR) } as usize;
    // SAFETY: as above.
    let count = unsafe { libc::getauxval(libc::AT_PHNUM) } as usize;
    if address == 0 {
        return &[];
    }
    // SAFETY: the kernel says that `count` headers lie at `address`; they belong to a read-only
    // segment of the executable, which is never unmapped.
    unsafe { std::slice::from_raw_parts(address as *const libc::Elf64_Phdr, count) }
}

fn read(headers: &[libc::Elf64_Phdr]) -> Image {
    // PT_PHDR says where the headers were linked to lie; the difference to where they do lie is
    // the load bias of a position-independent executable. Without one the bias is zero.
    let bias = headers
        .iter()
        .find(|header| header.p_type == libc::PT_PHDR)
        .map_or(0, |header| (headers.as_ptr() as usize).wrapping_sub(header.p_vaddr as usize));
    let range = |header: &libc::Elf64_Phdr| {
        let from = bias.wrapping_add(header.p_vaddr as usize);
        (from, from.saturating_add(header.p_memsz as usize))
    };
    let loaded = || headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
    Image {
        build_id: headers
            .iter()
            .filter(|header| header.p_type == libc::PT_NOTE)
            .find_map(|header| note_build_id(bytes(range(header))))
            .unwrap_or_else(file_identity),
        text: loaded().filter(|header| header.p_flags & libc::PF_X != 0).map(range).collect(),
        all: loaded().map(range).collect(),
    }
}

fn bytes((from, to): (usize, usize)) -> &'static [u8] {
    // SAFETY: a PT_NOTE segment of the executable is part of its loaded, read-only image.
    unsafe { std::slice::from_raw_parts(from as *const u8, to - from) }
}

/// Finds `NT_GNU_BUILD_ID` in a note segment and folds it to 64 bits.
fn note_build_id(mut notes: &[u8]) -> Option<u64> {
    const GNU_BUILD_ID: u32 = 3;
    while let (Some(name_len), Some(data_len), Some(kind)) =
        (word(notes, 0), word(notes, 4), word(notes, 8))
    {
        let name = notes.get(12..12 + name_len as usize)?;
        let data_at = 12 + (name_len as usize).next_multiple_of(4);
        let data = notes.get(data_at..data_at + data_len as usize)?;
        if kind == GNU_BUILD_ID && name == b"GNU\0" {
            return Some(hash(data));
        }
        notes = notes.get(data_at + (data_len as usize).next_multiple_of(4)..)?;
    }
    None
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Stands in for a build id that the linker did not write: which file this is.
fn file_identity() -> u64 {
    rustix::fs::stat("/proc/self/exe").map_or(0, |stat| {
        let words = [stat.st_dev, stat.st_ino, stat.st_size.unsigned_abs(), stat.st_mtime as u64];
        hash(&words.map(u64::to_ne_bytes).concat())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_functions_are_code_and_data_is_not() {
        static DATA: u64 = 7;
        assert!(is_code(own_functions_are_code_and_data_is_not as fn() as usize));
        assert!(!is_code(&raw const DATA as usize));
        assert!(contains(&raw const DATA as usize));
        assert!(!contains(Box::into_raw(Box::new(1)) as usize));
    }

    #[test]
    fn notes_of_any_shape_are_read_or_refused() {
        assert_eq!(note_build_id(&[]), None);
        assert_eq!(note_build_id(&[255; 40]), None);
        let mut note = Vec::new();
        for word in [4u32, 4, 3] {
            note.extend(word.to_ne_bytes());
        }
        note.extend(*b"GNU\0");
        note.extend([1, 2, 3, 4]);
        assert_eq!(note_build_id(&note), Some(hash(&[1, 2, 3, 4])));
    }
}
