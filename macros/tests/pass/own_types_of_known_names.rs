//! Types of one's own may be called like those of the standard library that cannot travel.

use offspring::{message, process};

#[message]
#[derive(Clone, Copy)]
struct Cell {
    x: u32,
    y: u32,
}

#[message]
struct File {
    path: String,
}

#[message]
struct Process {
    cells: Vec<Cell>,
    file: self::File,
}

#[process]
fn open(file: &self::File, process: &Process, cell: Cell) -> Option<self::File> {
    let _ = (&process.cells, &process.file.path, cell.x, cell.y);
    Some(File { path: file.path.clone() })
}

fn main() {
    let cell = Cell { x: 1, y: 2 };
    let file = || File { path: String::new() };
    let process = Process { cells: vec![cell], file: file() };
    let _: offspring::Task<Option<File>> = open::task(&file(), &process, cell);
}
