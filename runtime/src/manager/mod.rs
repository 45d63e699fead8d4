//! Objects by name, for programs that are not related, and for a family.
//!
//! - [`handle`]: [`Manager`]; [`kinds`]: what it hands out; [`travel`]: how it is passed on
//! - [`object`]: an object, got or made by its name
//! - [`directory`]: which name leads to what
//! - [`type_name`]: types by their names
//!
//! There is no process behind it, and no lock. A manager is a folder in `/dev/shm` (`memory::named`), each of its objects
//! one or more files in it, made by the same code as what has no name (`sys::place`), and a record under the object's name
//! that says which. A record appears and goes at one instant, and that is when the object does: whoever is killed on the
//! way leaves at most files that no record knows, which go with the folder.

mod directory;
mod handle;
mod kinds;
mod object;
mod travel;
mod type_name;

pub use handle::Manager;
