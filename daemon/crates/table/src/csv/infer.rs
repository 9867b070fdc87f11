//! A column's type, found while its values come in.

use super::{is_missing, trim};
use crate::column::{Column, MISSING, Strings};
use crate::number::{self, NotNumber};
use crate::schema::Kind;
use std::collections::HashMap;

/// Labels that a nominal column may have; beyond them it is text. The class may have more.
const FEW: usize = 256;

/// Texts of numbers longer than this make a column text.
const LONGEST_NUMBER: usize = u8::MAX as usize;

/// Why a field cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A number beyond the range of 64-bit floating-point numbers.
    Range,
    /// NaN or an infinity among numbers.
    NotFinite,
    /// More text in all than the limit allows.
    TextBytes,
    /// Text in a column of numbers whose original texts had to be given up.
    LateText,
    /// More labels than the limit allows.
    Labels,
}

/// A column of which it is not yet known what it is.
pub(super) struct Inferred {
    values: Values,
    /// The class is nominal, if not numeric, however many labels it has.
    class: bool,
    present: u64,
    /// All values so far are called NaN or infinity.
    not_finite: bool,
}

enum Values {
    Numeric {
        values: Vec<f64>,
        /// As they were written, in case the column turns out to be text: `007` is not 7 then.
        written: Option<Written>,
    },
    Nominal {
        codes: Vec<u32>,
        lookup: HashMap<Box<str>, u32>,
        labels: Vec<String>,
    },
    Text(Strings),
}

/// Short texts, one for each row; missing ones are empty.
#[derive(Default)]
struct Written {
    text: String,
    lengths: Vec<u8>,
}

/// Memory for text that all columns of a table share.
pub(super) struct TextBudget {
    /// For the table's own strings and labels.
    pub(super) kept: u64,
    /// For the written form of numbers.
    pub(super) written: u64,
    /// Labels of one attribute.
    pub(super) labels: usize,
}

impl Inferred {
    pub(super) fn new(class: bool) -> Self {
        Self {
            values: Values::Numeric { values: Vec::new(), written: Some(Written::default()) },
            class,
            present: 0,
            not_finite: false,
        }
    }

    /// Adds the next row's field.
    #[inline]
    pub(super) fn push(&mut self, field: &str, budget: &mut TextBudget) -> Result<(), Refusal> {
        let missing = is_missing(trim(field));
        self.present += u64::from(!missing);
        if let Values::Numeric { values, written } = &mut self.values {
            let number = if missing {
                Some(f64::NAN)
            } else if field.len() > LONGEST_NUMBER {
                None
            } else {
                match number::parse(trim(field)) {
                    Ok(_) if self.not_finite => return Err(Refusal::NotFinite),
                    Ok(number) => Some(number),
                    // Beside numbers it is a mistake; alone it may be a word.
                    Err(NotNumber::Form) if is_not_finite(trim(field)) => match self.present {
                        1 => {
                            self.not_finite = true;
                            Some(f64::NAN)
                        }
                        _ if self.not_finite => Some(f64::NAN),
                        _ => return Err(Refusal::NotFinite),
                    },
                    Err(NotNumber::Form) => None,
                    Err(NotNumber::Range) => return Err(Refusal::Range),
                }
            };
            if let Some(number) = number {
                values.push(number);
                let text = if missing { "" } else { field };
                if let Some(kept) = written {
                    // One byte for the length besides the text.
                    match budget.written.checked_sub(text.len() as u64 + 1) {
                        Some(left) => {
                            budget.written = left;
                            kept.text.push_str(text);
                            kept.lengths.push(text.len() as u8);
                        }
                        None => *written = None,
                    }
                }
                return Ok(());
            }
            self.become_nominal(budget)?;
        }
        self.push_text((!missing).then_some(field), budget)
    }

    /// From numbers to labels, by what was written.
    #[cold]
    fn become_nominal(&mut self, budget: &mut TextBudget) -> Result<(), Refusal> {
        let nominal = Values::Nominal { codes: Vec::new(), lookup: HashMap::new(), labels: Vec::new() };
        let old = std::mem::replace(&mut self.values, nominal);
        let Values::Numeric { written, .. } = old else {
            return Ok(());
        };
        let written = written.ok_or(Refusal::LateText)?;
        budget.written += (written.text.len() + written.lengths.len()) as u64;
        let mut rest = written.text.as_str();
        for &length in &written.lengths {
            let (text, tail) = rest.split_at(length as usize);
            rest = tail;
            self.push_text((length > 0).then_some(text), budget)?;
        }
        Ok(())
    }

    fn push_text(&mut self, text: Option<&str>, budget: &mut TextBudget) -> Result<(), Refusal> {
        let mut charge = |bytes: usize| {
            budget.kept = budget.kept.checked_sub(bytes as u64).ok_or(Refusal::TextBytes)?;
            Ok(())
        };
        let Values::Nominal { codes, lookup, labels } = &mut self.values else {
            if let Values::Text(strings) = &mut self.values {
                charge(text.map_or(0, str::len))?;
                strings.push(text);
            }
            return Ok(());
        };
        let Some(text) = text else {
            codes.push(MISSING);
            return Ok(());
        };
        if let Some(&code) = lookup.get(text) {
            codes.push(code);
            return Ok(());
        }
        let most = if self.class { budget.labels } else { FEW };
        if labels.len() < most {
            charge(text.len())?;
            let code = labels.len() as u32;
            lookup.insert(text.into(), code);
            labels.push(text.to_owned());
            codes.push(code);
            return Ok(());
        }
        if self.class {
            return Err(Refusal::Labels);
        }
        let mut strings = spell_out(codes, labels, budget)?;
        budget.kept = budget.kept.checked_sub(text.len() as u64).ok_or(Refusal::TextBytes)?;
        strings.push(Some(text));
        self.values = Values::Text(strings);
        Ok(())
    }

    /// The column and its type.
    pub(super) fn finish(mut self, budget: &mut TextBudget) -> Result<(Kind, Column), Refusal> {
        if self.not_finite && matches!(self.values, Values::Numeric { .. }) {
            self.become_nominal(budget)?;
        }
        Ok(match self.values {
            Values::Numeric { values, .. } => (Kind::Numeric, Column::Numeric(values)),
            Values::Text(strings) => (Kind::String, Column::Text(strings)),
            Values::Nominal { codes, labels, .. } => {
                // Labels repeat; what hardly repeats is names or other text.
                if self.class || labels.len() as u64 * 2 <= self.present {
                    (Kind::Nominal { labels }, Column::Nominal(codes))
                } else {
                    let strings = spell_out(&codes, &labels, budget)?;
                    (Kind::String, Column::Text(strings))
                }
            }
        })
    }
}

/// Labels in place of their codes.
fn spell_out(codes: &[u32], labels: &[String], budget: &mut TextBudget) -> Result<Strings, Refusal> {
    let mut strings = Strings::new();
    for &code in codes {
        let text = labels.get(code as usize).map(String::as_str);
        budget.kept = budget.kept.checked_sub(text.map_or(0, str::len) as u64).ok_or(Refusal::TextBytes)?;
        strings.push(text);
    }
    Ok(strings)
}

/// Whether a text is how programs write NaN and the infinities.
fn is_not_finite(text: &str) -> bool {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    ["nan", "inf", "infinity"].iter().any(|name| bare.eq_ignore_ascii_case(name))
}

/// Whether a text is a number written with a decimal comma.
pub(super) fn has_decimal_comma(text: &str) -> bool {
    text.split_once(',').is_some_and(|(whole, part)| {
        part.bytes().next().is_some_and(|b| b.is_ascii_digit())
            && number::parse(&format!("{}.{part}", whole.trim_start())).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(class: bool, fields: &[&str]) -> (Kind, Column) {
        let budget = &mut TextBudget { kept: 1 << 20, written: 1 << 20, labels: 1000 };
        let mut column = Inferred::new(class);
        for field in fields {
            column.push(field, budget).unwrap();
        }
        column.finish(budget).unwrap()
    }

    #[test]
    fn nan_and_infinities_beside_numbers_are_refused() {
        let refused = |fields: &[&str]| {
            let mut column = Inferred::new(false);
            let budget = &mut TextBudget { kept: 1000, written: 1000, labels: 1000 };
            fields.iter().map(|field| column.push(field, budget)).find_map(Result::err)
        };
        for name in ["NaN", "nan", "-inf", "+Infinity", "INF"] {
            assert_eq!(refused(&["1", "2", name]), Some(Refusal::NotFinite), "{name}");
            assert_eq!(refused(&[name, "?", name, "2"]), Some(Refusal::NotFinite), "{name}");
            assert_eq!(refused(&[name, "word", "2"]), None, "{name}");
            assert_eq!(infer(false, &[name, name, "?"]).0, Kind::Nominal { labels: vec![name.into()] });
        }
    }

    #[test]
    fn numbers() {
        let (kind, column) = infer(false, &["1", " 2.5 ", "NA", "", "?", "-3e2"]);
        assert_eq!(kind, Kind::Numeric);
        let nan = f64::NAN;
        assert_eq!(column, Column::Numeric(vec![1.0, 2.5, nan, nan, nan, -300.0]));
        assert_eq!(infer(false, &["", "NA"]).0, Kind::Numeric);
    }

    #[test]
    fn a_late_text_brings_back_what_was_written() {
        let fields = ["007", "", "1.50", "x"];
        let (kind, column) = infer(false, &fields);
        assert_eq!(kind, Kind::String);
        let all: Vec<_> = (0..4).map(|row| column.text(row)).collect();
        assert_eq!(all, [Some("007"), None, Some("1.50"), Some("x")]);
    }

    #[test]
    fn labels_repeat_and_names_do_not() {
        let (kind, column) = infer(false, &["b", "a", "b", "?", "a"]);
        let labels = vec!["b".to_owned(), "a".to_owned()];
        assert_eq!(kind, Kind::Nominal { labels });
        assert_eq!(column, Column::Nominal(vec![0, 1, 0, MISSING, 1]));
        assert_eq!(infer(false, &["x", "y"]).0, Kind::String);
        assert!(matches!(infer(true, &["x", "y"]).0, Kind::Nominal { .. }));
        let many: Vec<String> = (0..1000).map(|i| format!("n{}", i % 300)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (kind, column) = infer(false, &many);
        assert_eq!(kind, Kind::String);
        assert_eq!(column.text(999), Some("n99"));
        assert!(matches!(infer(true, &many).0, Kind::Nominal { .. }));
    }

    #[test]
    fn text_after_the_written_budget_is_refused() {
        let budget = &mut TextBudget { kept: 100, written: 5, labels: 10 };
        let mut column = Inferred::new(false);
        for _ in 0..4 {
            column.push("1", budget).unwrap();
        }
        assert_eq!(column.push("x", budget), Err(Refusal::LateText));
    }

    #[test]
    fn decimal_commas() {
        for text in ["1,5", "-0,25", " 3,0e2"] {
            assert!(has_decimal_comma(text), "{text}");
        }
        for text in ["1.5", "a,b", "1,", ",", "1,5,2", "1,-5"] {
            assert!(!has_decimal_comma(text), "{text}");
        }
    }
}
