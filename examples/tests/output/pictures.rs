//! `mandelbrot`: the same picture from one process and from several, in the file that was asked for.

use std::fs;

use crate::program::{Program, example};

#[test]
fn mandelbrot_writes_a_picture() {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("set.png");
    // What does not end in `.png` is left alone.
    let text = directory.path().join("README.md");
    fs::write(&text, "a text").unwrap();
    let output = Program::start(example("mandelbrot").arg(&text).arg(&path)).finish();
    assert_eq!((output.code, output.err.len()), (Some(0), 0), "{output:#?}");
    let [size, one, several, same, written] = &output.out[..] else { panic!("{output:#?}") };
    assert_eq!(size, "960 x 640 pixels, 2 x 2 points each");
    assert!(one.starts_with("  1 process ") && one.ends_with(" s"), "{one}");
    assert!(several.contains(" processes ") && several.ends_with(" times as fast"), "{several}");
    assert_eq!(same, "both pictures are the same");
    assert_eq!(*written, format!("written to {}", path.display()));
    assert_eq!(fs::read_to_string(text).unwrap(), "a text");

    let mut reader = png::Decoder::new(std::io::Cursor::new(fs::read(path).unwrap()))
        .read_info()
        .expect("a picture");
    let mut pixels = vec![0; 960 * 640 * 3];
    reader.next_frame(&mut pixels).expect("all of it");
    let pixel = |column: usize, line: usize| &pixels[(line * 960 + column) * 3..][..3];
    // The origin is in the set, the corner is far outside; what is above the axis is also below.
    assert_eq!(pixel(704, 320), [0, 0, 0]);
    assert!(pixel(0, 0).iter().any(|part| *part > 20), "{:?}", pixel(0, 0));
    for column in 0..960 {
        assert_eq!(pixel(column, 200), pixel(column, 639 - 200), "column {column}");
    }
    let colors: std::collections::HashSet<_> = pixels.chunks_exact(3).collect();
    assert!(colors.len() > 1000, "{} colors", colors.len());
}
