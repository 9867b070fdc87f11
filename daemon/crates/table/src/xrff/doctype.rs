//! What a DOCTYPE may say. Its content is never used; what would make another parser fetch or
//! expand something is refused, so that no reader of the kept original is led astray.

/// Checks the text between `<!DOCTYPE` and the closing bracket.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let name_end = text.find(|c: char| c.is_whitespace() || c == '[').unwrap_or(text.len());
    if &text[..name_end] != "dataset" {
        return Err("the DOCTYPE is not that of XRFF: its root is not `dataset`");
    }
    let mut rest = text[name_end..].trim_start();
    if !rest.is_empty() && !rest.starts_with('[') {
        return Err("the DOCTYPE names an external definition");
    }
    while let Some(c) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            rest = instruction.split_once("?>").map_or("", |(_, after)| after);
        } else if rest.starts_with("<!ENTITY") {
            return Err("the DOCTYPE declares an entity");
        } else if rest.starts_with("<!NOTATION") {
            return Err("the DOCTYPE declares a notation");
        } else if c == '%' {
            return Err("the DOCTYPE refers to a parameter entity");
        } else if c == '"' || c == '\'' {
            rest = rest[1..].split_once(c).map_or("", |(_, after)| after);
        } else {
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn wekas_passes() {
        assert_eq!(check(super::super::DOCTYPE), Ok(()));
        assert_eq!(check("dataset"), Ok(()));
        assert_eq!(check("dataset [ <!-- SYSTEM, <!ENTITY it's --> ]"), Ok(()));
        assert_eq!(check(r#"dataset [<!ATTLIST a b CDATA "100% <!ENTITY">]"#), Ok(()));
    }

    #[test]
    fn the_rest_does_not() {
        for text in [
            "",
            "html",
            "datasets",
            "dataset SYSTEM \"file:///etc/passwd\"",
            "dataset PUBLIC \"-//x\" \"http://x\"",
            "dataset [<!ENTITY a \"b\">]",
            "dataset [<!-- x --><!ENTITY % a SYSTEM \"b\"> %a;]",
            "dataset [ %a; ]",
            "dataset [<!NOTATION a SYSTEM 'b'>]",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
