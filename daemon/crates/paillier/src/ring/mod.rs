//! Arithmetic modulo the square of a number m, the one small type that all modular work goes through.
//!
//! Everything in this cryptosystem happens modulo n² (at the encryptor) or modulo p² and q² (at the key's
//! owner), never modulo a number without that structure. So an element is kept as a pair (a, b) that
//! stands for a + b·m, and a product is
//!
//! > (a + b·m)(c + d·m) = a·c + (a·d + b·c)·m  (mod m²)
//!
//! with numbers of half the length. Both parts are kept in Montgomery's form with R = 2^(digit bits ×
//! digits). Reducing a·c gives t and the quotient q with a·c + q·m = R·t, that is, a·c = R·t − q·m: the
//! quotient, which Montgomery's method throws away, is just what the upper part has to lose. The upper
//! part is then a·d + b·c − q, reduced modulo m. A product costs 5 half-length products and a square 4,
//! where the full length would cost 8.
//!
//! Parts are *lazy*: at least 0 and below 2m, sums of a few such parts included, because R is at least
//! 256 m. A product of parts below 8m is again below 2m, so there is no final subtraction. To keep the
//! upper part from going negative, the kernels add R − 1 − q, digit by digit the complement of q, and
//! start from the constant 1 − R modulo m.
//!
//! Neither kernel branches on, or indexes by, a value: the sequence of instructions and addresses depends
//! on the length of m alone. Exponents are read in fixed windows from tables that are scanned whole.

#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
mod words;

use std::sync::OnceLock;

use subtle::Choice;

use crate::limbs::{self, Secret};
use words::{BLOCK, Words};

/// Bits of an exponent that one step of a power takes.
const WINDOW: usize = 5;

/// Chunks of R that an integer may have: modulo p², a ciphertext modulo n² is four times as long as p.
const CHUNKS: usize = 4;

/// Which implementation multiplies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kernel {
    /// 64-bit limbs, any processor.
    Portable,
    /// 52-bit digits, eight to a register: AVX-512 with the IFMA extension.
    #[cfg(target_arch = "x86_64")]
    Ifma,
}

impl Kernel {
    /// The fastest one that this processor runs. The environment variable `PAILLIER_KERNEL=portable` keeps
    /// to the portable one, so that benchmarks can compare the two.
    pub(crate) fn fastest() -> Self {
        static FASTEST: OnceLock<Kernel> = OnceLock::new();
        *FASTEST.get_or_init(|| {
            #[cfg(target_arch = "x86_64")]
            if ifma::available() && std::env::var_os("PAILLIER_KERNEL").is_none_or(|name| name != "portable")
            {
                return Kernel::Ifma;
            }
            Kernel::Portable
        })
    }

    fn digit_bits(self) -> usize {
        match self {
            Kernel::Portable => 64,
            #[cfg(target_arch = "x86_64")]
            Kernel::Ifma => 52,
        }
    }
}

/// What a kernel needs to know about the modulus, in its own digits.
struct Reduction {
    /// m.
    modulus: Words,
    /// (1 − R) modulo m, where the upper part starts.
    offset: Words,
    /// −1/m modulo 2^64; the 52-bit kernel uses its lower bits.
    inverse: u64,
    /// Digits of R.
    digits: usize,
}

/// The integers modulo m².
pub(crate) struct Ring {
    kernel: Kernel,
    reduction: Reduction,
    modulus: Secret,
    /// Words of one part of an element.
    part: usize,
    one: Element,
    /// R², R³, … modulo m², which bring the chunks of an integer to Montgomery's form.
    lifts: Vec<Element>,
}

/// An element a + b·m of a [`Ring`], in Montgomery's form, wiped when dropped.
#[derive(Clone)]
pub(crate) struct Element(Words);

/// Powers to pick from without telling which one.
pub(crate) struct Table(Words);

impl Ring {
    /// The ring modulo the square of `modulus`, which is odd and has the top bit of its top limb set.
    pub(crate) fn new(modulus: &[u64]) -> Self {
        Self::with_kernel(modulus, Kernel::fastest())
    }

    pub(crate) fn with_kernel(modulus: &[u64], kernel: Kernel) -> Self {
        debug_assert!(modulus[0] & 1 == 1 && modulus[modulus.len() - 1] >> 63 == 1);
        let bits = 64 * modulus.len();
        let digits = (bits + 8).div_ceil(kernel.digit_bits());
        let part = digits.next_multiple_of(BLOCK);

        // Newton's iteration doubles the number of right bits, from 3 to 96.
        let m = modulus[0];
        let inverse =
            (0..5).fold(m, |x, _| x.wrapping_mul(2u64.wrapping_sub(m.wrapping_mul(x)))).wrapping_neg();

        // R = 2^bits · 2^(the rest), and 2^bits = (2^bits − m) + 1·m because m has its top bit set.
        let mut low = limbs::zero(modulus.len() + 1);
        low[modulus.len()] = 1;
        limbs::sub_assign(&mut low, modulus);
        let mut high = limbs::zero(modulus.len() + 1);
        high[0] = 1;
        for _ in bits..digits * kernel.digit_bits() {
            limbs::double(&mut low);
            limbs::double(&mut high);
            let carry = limbs::reduce_once(&mut low, modulus);
            limbs::increment_if(&mut high, carry);
            limbs::reduce_once(&mut high, modulus);
        }
        let mut offset = limbs::resized(modulus, modulus.len() + 1);
        limbs::increment_if(&mut offset, Choice::from(1));
        limbs::sub_assign(&mut offset, &low);

        let words = |limbs: &[u64]| {
            let mut out = Words::zero(part);
            split(out.as_mut_slice(), digits, limbs, 0, kernel);
            out
        };
        let mut one = Element(Words::zero(2 * part));
        one.0.as_mut_slice()[..part].copy_from_slice(words(&low).as_slice());
        one.0.as_mut_slice()[part..].copy_from_slice(words(&high).as_slice());
        let reduction = Reduction { modulus: words(modulus), offset: words(&offset), inverse, digits };
        let mut ring = Ring {
            kernel,
            reduction,
            modulus: limbs::resized(modulus, modulus.len()),
            part,
            one,
            lifts: Vec::new(),
        };

        // R² is R·2^(bits of R): from R, double and square along that exponent's binary digits.
        let exponent = digits * kernel.digit_bits();
        let mut square = ring.one.clone();
        for bit in (0..usize::BITS - exponent.leading_zeros()).rev() {
            square = ring.square(&square);
            if exponent >> bit & 1 == 1 {
                let same = square.clone();
                ring.add_assign(&mut square, &same);
            }
        }
        let mut lift = square.clone();
        for _ in 0..CHUNKS {
            let next = ring.multiply(&lift, &square);
            ring.lifts.push(std::mem::replace(&mut lift, next));
        }
        ring
    }

    /// The modulus m (not m²).
    pub(crate) fn modulus(&self) -> &[u64] {
        &self.modulus
    }

    /// 1.
    pub(crate) fn one(&self) -> &Element {
        &self.one
    }

    fn zero(&self) -> Element {
        Element(Words::zero(2 * self.part))
    }

    /// An integer of any value, of at most four times the length of m.
    pub(crate) fn element(&self, integer: &[u64]) -> Element {
        let chunk = self.reduction.digits * self.kernel.digit_bits();
        let mut sum = self.zero();
        for (k, lift) in self.lifts.iter().enumerate().take((64 * integer.len()).div_ceil(chunk)) {
            let mut digits = self.zero();
            split(digits.0.as_mut_slice(), self.reduction.digits, integer, k * chunk, self.kernel);
            // The lift is the first factor: the second may use all of its digits, the first may not.
            self.add_assign(&mut sum, &self.multiply(lift, &digits));
        }
        sum
    }

    /// The least a and b, at most m − 1, with element = a + b·m.
    pub(crate) fn parts(&self, element: &Element) -> (Secret, Secret) {
        let mut unit = self.zero();
        unit.0.as_mut_slice()[0] = 1;
        let plain = self.multiply(element, &unit);
        let (low, high) = plain.0.as_slice().split_at(self.part);
        let mut low = join(&low[..self.reduction.digits], self.modulus.len() + 1, self.kernel);
        let mut high = join(&high[..self.reduction.digits], self.modulus.len() + 1, self.kernel);
        let carry = limbs::reduce_once(&mut low, &self.modulus);
        limbs::increment_if(&mut high, carry);
        limbs::reduce_once(&mut high, &self.modulus);
        (limbs::resized(&low, self.modulus.len()), limbs::resized(&high, self.modulus.len()))
    }

    /// The least a, at most m − 1, with element ≡ a modulo m.
    pub(crate) fn residue(&self, element: &Element) -> Secret {
        self.parts(element).0
    }

    /// The least non-negative integer that the element stands for, below m².
    pub(crate) fn integer(&self, element: &Element) -> Secret {
        let (low, high) = self.parts(element);
        let mut out = limbs::product(&high, &self.modulus);
        limbs::add_assign(&mut out, &low);
        out
    }

    /// x + y, for elements that are products or sums of at most four.
    pub(crate) fn add_assign(&self, x: &mut Element, y: &Element) {
        let (x, y) = (x.0.as_mut_slice(), y.0.as_slice());
        let bits = self.kernel.digit_bits();
        let mask = u64::MAX >> (64 - bits);
        for (x, y) in x.chunks_exact_mut(self.part).zip(y.chunks_exact(self.part)) {
            let mut carry = 0;
            for (x, y) in x.iter_mut().zip(y).take(self.reduction.digits) {
                let sum = u128::from(*x) + u128::from(*y) + carry;
                *x = sum as u64 & mask;
                carry = sum >> bits;
            }
        }
    }

    /// x · y.
    pub(crate) fn multiply(&self, x: &Element, y: &Element) -> Element {
        let mut out = self.zero();
        self.multiply_into(&mut out, x, y);
        out
    }

    /// out = x · y.
    pub(crate) fn multiply_into(&self, out: &mut Element, x: &Element, y: &Element) {
        let (out, x, y) = (out.0.as_mut_slice(), x.0.as_slice(), y.0.as_slice());
        match self.kernel {
            Kernel::Portable => portable::multiply::<false>(out, x, y, &self.reduction),
            #[cfg(target_arch = "x86_64")]
            Kernel::Ifma => ifma::multiply::<false>(out, x, y, &self.reduction),
        }
    }

    /// x².
    pub(crate) fn square(&self, x: &Element) -> Element {
        let (mut out, mut doubled) = (self.zero(), self.zero());
        self.square_into(&mut out, x, &mut doubled);
        out
    }

    /// out = x²; `doubled` is room for the work.
    fn square_into(&self, out: &mut Element, x: &Element, doubled: &mut Element) {
        let bits = self.kernel.digit_bits();
        let mask = u64::MAX >> (64 - bits);
        let (words, twice) = (x.0.as_slice(), doubled.0.as_mut_slice());
        twice[..self.part].copy_from_slice(&words[..self.part]);
        let (high, twice) = (&words[self.part..], &mut twice[self.part..]);
        twice[0] = (high[0] << 1) & mask;
        for (slot, pair) in twice[1..].iter_mut().zip(high.windows(2)) {
            *slot = ((pair[1] << 1) & mask) | (pair[0] >> (bits - 1));
        }
        let (out, x, y) = (out.0.as_mut_slice(), x.0.as_slice(), doubled.0.as_slice());
        match self.kernel {
            Kernel::Portable => portable::multiply::<true>(out, x, y, &self.reduction),
            #[cfg(target_arch = "x86_64")]
            Kernel::Ifma => ifma::multiply::<true>(out, x, y, &self.reduction),
        }
    }

    /// x squared `times` times.
    pub(crate) fn square_repeatedly(&self, x: &mut Element, times: usize) {
        let (mut next, mut doubled) = (self.zero(), self.zero());
        for _ in 0..times {
            self.square_into(&mut next, x, &mut doubled);
            std::mem::swap(x, &mut next);
        }
    }

    /// base to the power of `exponent`; the time depends on the number of its limbs.
    pub(crate) fn power(&self, base: &Element, exponent: &[u64]) -> Element {
        let mut powers = Vec::with_capacity(1 << WINDOW);
        powers.push(self.one.clone());
        for i in 1..1 << WINDOW {
            let next = self.multiply(&powers[i - 1], base);
            powers.push(next);
        }
        let table = self.table(&powers);
        let windows = (64 * exponent.len()).div_ceil(WINDOW);
        let (mut factor, mut next) = (self.zero(), self.zero());
        let mut out = self.one.clone();
        for i in (0..windows).rev() {
            self.square_repeatedly(&mut out, WINDOW);
            self.select_into(&mut factor, &table, limbs::bits(exponent, i * WINDOW, WINDOW));
            self.multiply_into(&mut next, &out, &factor);
            std::mem::swap(&mut out, &mut next);
        }
        out
    }

    /// Lays elements side by side for [`Self::select_into`].
    pub(crate) fn table(&self, elements: &[Element]) -> Table {
        let len = 2 * self.part;
        let mut words = Words::zero(len * elements.len());
        for (slot, element) in words.as_mut_slice().chunks_exact_mut(len).zip(elements) {
            slot.copy_from_slice(element.0.as_slice());
        }
        Table(words)
    }

    /// Copies the entry `index` of the table to `out`, reading all entries.
    pub(crate) fn select_into(&self, out: &mut Element, table: &Table, index: u64) {
        let (out, table) = (out.0.as_mut_slice(), table.0.as_slice());
        match self.kernel {
            Kernel::Portable => portable::select(out, table, index),
            #[cfg(target_arch = "x86_64")]
            Kernel::Ifma => ifma::select(out, table, index),
        }
    }
}

/// Splits 64-bit limbs, from bit `from` on, into `digits` digits of the kernel.
fn split(out: &mut [u64], digits: usize, limbs: &[u64], from: usize, kernel: Kernel) {
    let width = kernel.digit_bits();
    for (i, digit) in out.iter_mut().take(digits).enumerate() {
        let at = from + i * width;
        let low = limbs::bits(limbs, at, 32);
        let high = limbs::bits(limbs, at + 32, width - 32);
        *digit = low | high << 32;
    }
}

/// Joins digits of the kernel to `len` 64-bit limbs.
fn join(digits: &[u64], len: usize, kernel: Kernel) -> Secret {
    let width = kernel.digit_bits();
    let mut out = limbs::zero(len + 2);
    for (i, &digit) in digits.iter().enumerate() {
        let (limb, shift) = (i * width / 64, i * width % 64);
        let wide = u128::from(digit) << shift;
        if limb <= len {
            out[limb] |= wide as u64;
            out[limb + 1] |= (wide >> 64) as u64;
        }
    }
    limbs::resized(&out, len)
}

#[cfg(test)]
mod tests;
