//! A whole program: the Mandelbrot set, painted by several processes into one array, and written as a picture to look at.
//!
//! The pixels are an `Array` in shared memory. It is cut into strips, each of which is `&mut [Pixel]` to whoever has it, and nobody else's
//! until it is dropped. The strips wait in a queue, and each painter takes the next one when it is done: they take very unequal
//! times. Nothing is copied and nothing is locked, and a painter that is killed leaves an unpainted strip and no other harm.
//!
//! It is painted twice, by one process and by one for each processor, and both pictures must be the same.
//!
//! Run it: `cargo run --release --example mandelbrot [picture.png]`. Without a path it writes into the directory for temporary files.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use offspring::prelude::*;
use offspring::{Array, Chunk, Queue, cpu_count};

const WIDTH: usize = 960;
const HEIGHT: usize = 640;
/// What of the plane is to be seen: the upper left corner, and the length of a pixel.
const CORNER: (f64, f64) = (-2.2, 1.0);
const STEP: f64 = 3.0 / WIDTH as f64;
/// Each pixel is the mean of so many points in each direction.
const POINTS: usize = 2;
/// A point that has not fled after so many steps belongs to the set.
const STEPS_MAX: u32 = 300;
/// Lines of a strip.
const LINES: usize = 8;

/// Red, green, blue.
type Pixel = [u8; 3];

/// Paints strips until there are no more.
#[process]
fn paint(strips: &Queue<Chunk<Pixel>>) {
    for mut strip in strips {
        let first = strip.start();
        for (number, pixel) in (first..).zip(strip.iter_mut()) {
            *pixel = color_of(number % WIDTH, number / WIDTH);
        }
    }
}

/// Has so many processes paint, and waits until they are done.
fn paint_with(processes: usize) -> offspring::Result<(Array<Pixel>, Duration)> {
    let picture = Array::filled([0; 3], WIDTH * HEIGHT)?;
    let strips = Queue::new()?;
    let start = Instant::now();
    let painters: Vec<_> =
        (0..processes).map(|_| paint::spawn(&strips)).collect::<Result<_, _>>()?;
    strips.put_many(picture.chunks_mut(LINES * WIDTH)?)?;
    strips.close();
    for painter in painters {
        painter.join()?;
    }
    Ok((picture, start.elapsed()))
}

fn color_of(column: usize, line: usize) -> Pixel {
    let mut sum = [0.0; 3];
    for point in 0..POINTS * POINTS {
        let part = |number: usize| (number as f64 + 0.5) / POINTS as f64;
        let x = CORNER.0 + (column as f64 + part(point % POINTS)) * STEP;
        let y = CORNER.1 - (line as f64 + part(point / POINTS)) * STEP;
        let color = palette(speed(x, y));
        sum.iter_mut().zip(color).for_each(|(sum, part)| *sum += part);
    }
    sum.map(|part| (part / (POINTS * POINTS) as f64 * 255.0).round() as u8)
}

/// How many steps the point takes to flee, with a fraction, so that colors flow; `None` if it does not.
fn speed(x: f64, y: f64) -> Option<f64> {
    let (mut re, mut im) = (0.0_f64, 0.0_f64);
    for step in 0..STEPS_MAX {
        let (re2, im2) = (re * re, im * im);
        if re2 + im2 > 256.0 {
            return Some(f64::from(step) + 1.0 - (re2 + im2).ln().log2() + 3.0);
        }
        (re, im) = (re2 - im2 + x, 2.0 * re * im + y);
    }
    None
}

/// Deep blue far away, over white and gold and brown and back again on the way to the edge; black inside.
fn palette(speed: Option<f64>) -> [f64; 3] {
    const COLORS: [[f64; 3]; 6] = [
        [0.00, 0.03, 0.22],
        [0.09, 0.32, 0.69],
        [0.88, 0.96, 1.00],
        [1.00, 0.72, 0.10],
        [0.55, 0.16, 0.05],
        [0.04, 0.01, 0.10],
    ];
    let Some(speed) = speed else { return [0.0; 3] };
    // Slower and slower: there is more and more to be seen near the edge.
    let place = (speed.max(0.0) + 1.0).ln() * 2.1 - 1.4;
    let (color, part) = (place.max(0.0).floor(), place.max(0.0).fract());
    let [here, next] = [0, 1].map(|more| COLORS[(color as usize + more) % COLORS.len()]);
    std::array::from_fn(|i| here[i] + (next[i] - here[i]) * part)
}

fn write(picture: &[Pixel], path: &Path) -> io::Result<()> {
    let mut encoder =
        png::Encoder::new(BufWriter::new(File::create(path)?), WIDTH as u32, HEIGHT as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.as_flattened())?;
    Ok(writer.finish()?)
}

fn main() -> offspring::Result<()> {
    let path = std::env::args_os().skip(1).map(PathBuf::from);
    let is_picture = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "png");
    let path = path.into_iter().find(is_picture);
    let path = path.unwrap_or_else(|| std::env::temp_dir().join("offspring_mandelbrot.png"));

    let processes = cpu_count().max(2);
    println!("{WIDTH} x {HEIGHT} pixels, {POINTS} x {POINTS} points each");
    let (alone, slow) = paint_with(1)?;
    println!("  1 process    {:6.2} s", slow.as_secs_f64());
    let (picture, fast) = paint_with(processes)?;
    let times = slow.as_secs_f64() / fast.as_secs_f64();
    println!("{processes:3} processes  {:6.2} s, {times:.2} times as fast", fast.as_secs_f64());

    let pixels = picture.to_vec()?;
    if pixels != alone.to_vec()? {
        return Err(io::Error::other("the two pictures differ").into());
    }
    println!("both pictures are the same");
    write(&pixels, &path)?;
    println!("written to {}", path.display());
    Ok(())
}
