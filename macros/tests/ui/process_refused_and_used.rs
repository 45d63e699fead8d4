use offspring::process;

#[process(colour = "red")]
fn count(n: u32) -> u32 {
    n
}

#[process]
fn change(n: &mut u32, text: &str) -> Result<String, std::num::ParseIntError> {
    *n = text.parse()?;
    Ok(text.to_owned())
}

#[process(nice = "high")]
fn largest<T: offspring::Message + Ord>(of: Vec<T>) -> Option<T> {
    of.into_iter().max()
}

struct Mailer;

#[process(colour = "red")]
impl Mailer {
    fn run(self) -> String {
        String::new()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", count::spawn(1)?.join()?);
    let mut n = 1;
    let text: String = change::spawn(&mut n, "5")?.join()??;
    println!("{text} {:?}", largest::spawn(vec![1])?.join()?);
    println!("{:?}", largest::task::<u8>(vec![1]).spawn()?.join()?);
    println!("{}", Mailer.spawn()?.join()?.len());
    Ok(())
}
