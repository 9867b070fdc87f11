//! Decimal numbers as data formats write them.

use std::io::{self, Write};

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotNumber {
    /// It is not decimal notation (`NaN`, `Infinity`, hexadecimal and decimal commas are not).
    Form,
    /// It is, but beyond the range of a 64-bit floating-point number.
    Range,
}

/// A finite number in decimal notation, with or without an exponent.
pub(crate) fn parse(text: &str) -> Result<f64, NotNumber> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        // Rust's parser takes the words `inf`, `infinity` and `nan` besides decimal notation.
        Ok(_) if !text.contains(['n', 'N']) => Err(NotNumber::Range),
        _ => Err(NotNumber::Form),
    }
}

/// Writes the shortest decimal that reads back as the same number.
pub(crate) fn write(out: &mut impl Write, number: f64) -> io::Result<()> {
    let size = number.abs();
    if size != 0.0 && !(1e-5..1e16).contains(&size) {
        write!(out, "{number:e}")
    } else {
        write!(out, "{number}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimal_forms_only() {
        for (text, number) in [
            ("0", 0.0),
            ("-1.5", -1.5),
            ("+2", 2.0),
            ("5.5e1", 55.0),
            ("1E-3", 0.001),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e-400", 0.0),
        ] {
            assert_eq!(parse(text), Ok(number), "{text}");
        }
        for text in [
            "", " 1", "NaN", "nan", "inf", "Infinity", "-inf", "0x10", "1,5", "1_0", "e5", ".", "-", "1e",
            "--1", "1e5.5", "٣", "?", "1d",
        ] {
            assert_eq!(parse(text), Err(NotNumber::Form), "{text}");
        }
        assert_eq!(parse("1e309"), Err(NotNumber::Range));
        assert_eq!(parse("-2e308"), Err(NotNumber::Range));
    }

    proptest! {
        #[test]
        fn every_finite_number_returns(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            let mut text = Vec::new();
            write(&mut text, number).unwrap();
            prop_assert!(text.len() <= 26);
            let back = parse(std::str::from_utf8(&text).unwrap()).unwrap();
            prop_assert_eq!(back.to_bits(), bits);
        }
    }
}
