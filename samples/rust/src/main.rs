//! Prime factors over HTTP: GET /360 answers 2^3 * 3^2 * 5.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// The prime factors of a number from 2 on, with their powers.
fn factors(mut n: u64) -> Vec<(u64, u32)> {
    let mut found = Vec::new();
    let mut p = 2;
    while p * p <= n {
        let mut power = 0;
        while n % p == 0 {
            n /= p;
            power += 1;
        }
        if power > 0 {
            found.push((p, power));
        }
        p += if p == 2 { 1 } else { 2 };
    }
    if n > 1 {
        found.push((n, 1));
    }
    found
}

fn answer(path: &str) -> (u16, String) {
    if path == "/" {
        return (200, "GET /NUMBER answers with its prime factors\n".into());
    }
    // trial division of a larger one would take too long
    match path.trim_start_matches('/').parse::<u64>() {
        Ok(n) if (2..=1_000_000_000_000).contains(&n) => {
            let words: Vec<String> = factors(n)
                .iter()
                .map(|(p, power)| if *power == 1 { p.to_string() } else { format!("{p}^{power}") })
                .collect();
            (200, format!("{}\n", words.join(" * ")))
        }
        _ => (400, "a number from 2 to 1000000000000\n".into()),
    }
}

fn handle(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut line = String::new();
    BufReader::new((&stream).take(8192)).read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or("/");
    let (status, body) = answer(path);
    let reason = if status == 200 { "OK" } else { "Bad Request" };
    write!(
        stream,
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".into());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}"))?;
    println!("listening on {port}");
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || {
            // whoever asked may be gone
            let _ = handle(stream);
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_multiply_to_the_number() {
        for n in 2..2000 {
            assert_eq!(factors(n).iter().map(|(p, power)| p.pow(*power)).product::<u64>(), n);
        }
    }

    #[test]
    fn answers_with_powers() {
        assert_eq!(answer("/360"), (200, "2^3 * 3^2 * 5\n".into()));
        assert_eq!(answer("/0").0, 400);
        assert_eq!(answer("/ship").0, 400);
    }
}
