//! The house rules that a machine can check: which way the arrows run, where unsafe code and raw
//! system calls live, how long files get.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the ground up. Those in one row do not look at each other.
const FLOORS: &[&[&str]] = &[
    &["sys"],
    &["memory"],
    &["sync"],
    &["wire"],
    &["channel", "collections"],
    &["process"],
    &["pool"],
    &["manager"],
];

/// The longest that a file may get, and the longest that it should.
const LINES_MAX: usize = 600;

fn sources(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn runtime_sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_owned(), text)
    };
    let shipped = |path: &PathBuf| !path.ends_with("tests.rs");
    let files: Vec<_> = sources(&root).into_iter().filter(shipped).map(read).collect();
    assert!(files.len() > 40, "the sources were not found");
    files
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The code of a file without its unit tests, which may look anywhere. (Unit tests in files of their
/// own, `tests.rs`, are left out of `runtime_sources`.)
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

#[test]
fn arrows_run_one_way() {
    let mut checked = 0;
    for (path, text) in runtime_sources() {
        let room = path.components().next().unwrap().as_os_str().to_str().unwrap();
        let Some(here) = floor(room) else { continue };
        for (number, line) in code(&text).lines().enumerate() {
            for (at, _) in line.match_indices("crate::") {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                let target: String = line[at + "crate::".len()..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let Some(there) = floor(&target) else { continue };
                checked += 1;
                assert!(
                    there < here || target == room,
                    "{}:{}: `{room}` must not look up at `{target}`",
                    path.display(),
                    number + 1
                );
            }
        }
    }
    assert!(checked > 40, "the check has found too few arrows to mean anything");
}

#[test]
fn unsafe_code_is_allowed_file_by_file_and_explained() {
    for (path, text) in runtime_sources() {
        let uses = code(&text)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .any(|line| line.contains("unsafe {") || line.contains("unsafe impl"));
        if uses {
            assert!(text.contains("# Safety"), "{}: no `# Safety` paragraph", path.display());
        }
        if !path.starts_with("sys") {
            let raw = ["libc::syscall", "libc::mmap", "libc::fork", "libc::fcntl"];
            let found = raw.iter().find(|call| code(&text).contains(*call));
            assert_eq!(found, None, "{}: raw system calls belong in sys", path.display());
        }
    }
}

#[test]
fn files_say_why_they_exist_and_stay_short() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let rooms = ["runtime/src", "runtime/tests", "macros/src", "examples", "benches"];
    for path in rooms.iter().flat_map(|room| sources(&workspace.join(room))) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{} does not say why it exists", path.display());
    }
}
