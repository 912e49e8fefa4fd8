//! Huffman tables that read several symbols at a glance where nobody wants their values.

use super::bits::Bits;

/// Bits that index the tables; longer codes take the slow way (Annex F.2.2.3 of ITU T.81).
const GLANCE: u32 = 11;
/// Length of the longest code.
const LONGEST: usize = 16;

/// One table of a DHT segment.
pub(super) struct Huffman {
    /// By the next 11 bits: the symbol and its code's length; length 0 is a longer code or none.
    symbols: Vec<(u8, u8)>,
    /// By the next 11 bits: the coefficient, where they hold its code and its value.
    coefficients: Vec<Glance>,
    /// By the next 11 bits: as many whole symbols as their codes show.
    skips: Vec<Skip>,
    /// For each length: one past the last code, aligned to 16 bits, and where its symbols start.
    ends: [u32; LONGEST + 1],
    offsets: [i32; LONGEST + 1],
    values: Vec<u8>,
}

/// What may be skipped without looking at values.
#[derive(Clone, Copy, Default)]
struct Skip {
    /// Codes and their extra bits; 0 when the code is longer than the glance.
    bits: u8,
    /// Coefficients passed before the end of the block, if that is among them.
    coefficients: u8,
    ends_block: bool,
    /// Whether it is more than one symbol.
    several: bool,
}

/// A coefficient whose code and value lie within the bits that were looked at.
#[derive(Clone, Copy, Default)]
struct Glance {
    coefficient: Coefficient,
    /// Of code and value together; 0 when they are longer.
    bits: u8,
}

/// What one AC symbol says, with its value.
#[derive(Clone, Copy, Default)]
pub(super) struct Coefficient {
    /// Coefficients of 0 before it, or [`END_OF_BLOCK`].
    pub(super) zeros: u8,
    /// 0 for the run of sixteen zeros.
    pub(super) value: i16,
}

/// So many zeros end every block.
pub(super) const END_OF_BLOCK: u8 = 64;

impl Huffman {
    /// From the counts of codes of each length and the symbols in order; `None` if they are no prefix code.
    pub(super) fn new(counts: &[u8; LONGEST], values: &[u8]) -> Option<Self> {
        let mut table = Self {
            symbols: vec![(0, 0); 1 << GLANCE],
            coefficients: Vec::new(),
            skips: Vec::new(),
            ends: [0; LONGEST + 1],
            offsets: [0; LONGEST + 1],
            values: values.to_vec(),
        };
        let (mut code, mut index) = (0_u32, 0_usize);
        for length in 1..=LONGEST {
            let count = usize::from(counts[length - 1]);
            table.offsets[length] = index as i32 - code as i32;
            for symbol in values.get(index..index + count)? {
                table.fill(code, length, *symbol);
                code += 1;
            }
            index += count;
            if code > 1 << length {
                return None;
            }
            table.ends[length] = code << (LONGEST - length);
            code <<= 1;
        }
        table.coefficients = (0..1 << GLANCE).map(|bits| table.glance_of(bits)).collect();
        table.skips = (0..1 << GLANCE).map(|bits| table.skip_of(bits)).collect();
        Some(table)
    }

    fn fill(&mut self, code: u32, length: usize, symbol: u8) {
        let free = GLANCE as usize;
        if length <= free {
            let first = (code as usize) << (free - length);
            let last = (first + (1 << (free - length))).min(self.symbols.len());
            if first < last {
                self.symbols[first..last].fill((symbol, length as u8));
            }
        }
    }

    /// The coefficient whose code and value lie wholly within the 11 bits of `glance`.
    fn glance_of(&self, glance: u32) -> Glance {
        let (symbol, length) = self.symbols[glance as usize];
        let used = length + (symbol & 15);
        if length == 0 || u32::from(used) > GLANCE {
            return Glance::default();
        }
        let mut bits = Bits::of(u64::from(glance) << (64 - GLANCE));
        bits.consume(u32::from(length));
        Glance { coefficient: coefficient(symbol, &mut bits), bits: used }
    }

    /// The symbols whose codes lie wholly within the 11 bits of `glance`; extra bits may lie behind them.
    fn skip_of(&self, glance: u32) -> Skip {
        let mut skip = Skip::default();
        let mut known = GLANCE;
        let mut rest = glance;
        loop {
            let (symbol, length) = self.symbols[rest as usize];
            if length == 0 || u32::from(length) > known {
                return skip;
            }
            skip.several = skip.bits > 0;
            let (run, size) = (symbol >> 4, symbol & 15);
            skip.bits += length + size;
            if size == 0 && run != 15 {
                skip.ends_block = true;
                return skip;
            }
            skip.coefficients += run + 1;
            let used = u32::from(length + size);
            if used >= known {
                return skip;
            }
            known -= used;
            rest = (rest << used) & ((1 << GLANCE) - 1);
        }
    }

    /// The next symbol; `None` where no code begins. Needs 16 bits.
    #[inline]
    pub(super) fn symbol(&self, bits: &mut Bits) -> Option<u8> {
        let (symbol, length) = self.symbols[bits.peek(GLANCE) as usize & ((1 << GLANCE) - 1)];
        if length != 0 {
            bits.consume(u32::from(length));
            return Some(symbol);
        }
        self.long_symbol(bits)
    }

    #[cold]
    fn long_symbol(&self, bits: &mut Bits) -> Option<u8> {
        let next = bits.peek(16);
        let length = (GLANCE as usize + 1..=LONGEST).find(|&length| next < self.ends[length])?;
        bits.consume(length as u32);
        let code = (next >> (LONGEST - length)) as i32;
        self.values.get(usize::try_from(code + self.offsets[length]).ok()?).copied()
    }

    /// The next AC coefficient. Needs 31 bits.
    #[inline]
    pub(super) fn coefficient(&self, bits: &mut Bits) -> Option<Coefficient> {
        let glance = self.coefficients[bits.peek(GLANCE) as usize & ((1 << GLANCE) - 1)];
        if glance.bits != 0 {
            bits.consume(u32::from(glance.bits));
            return Some(glance.coefficient);
        }
        let symbol = self.symbol(bits)?;
        Some(coefficient(symbol, bits))
    }

    /// Passes the rest of a block, whose next coefficient is `at`.
    #[inline]
    pub(super) fn skip_block(&self, bits: &mut Bits, mut at: u32) -> Option<()> {
        while at < 64 {
            bits.refill();
            // Twice for each refill: a glance passes at most 11 bits of codes and 15 behind them.
            for _ in 0..2 {
                let skip = self.skips[bits.peek(GLANCE) as usize & ((1 << GLANCE) - 1)];
                let after = at + u32::from(skip.coefficients);
                // A last coefficient ends a block without a word: what looks like more of it is the next block.
                if skip.bits == 0 || (after > 63 && (skip.several || skip.ends_block)) {
                    at = self.skip_one(bits, at)?;
                    break;
                }
                bits.consume(u32::from(skip.bits));
                at = after;
                if skip.ends_block {
                    return Some(());
                }
                if at >= 64 {
                    break;
                }
            }
        }
        (at == 64).then_some(())
    }

    fn skip_one(&self, bits: &mut Bits, at: u32) -> Option<u32> {
        bits.refill();
        let next = self.coefficient(bits)?;
        Some(if next.zeros == END_OF_BLOCK { 64 } else { at + u32::from(next.zeros) + 1 })
    }
}

/// The coefficient of an AC symbol, whose value comes next.
#[inline]
fn coefficient(symbol: u8, bits: &mut Bits) -> Coefficient {
    let (zeros, size) = (symbol >> 4, symbol & 15);
    if size == 0 && zeros != 15 {
        return Coefficient { zeros: END_OF_BLOCK, value: 0 };
    }
    Coefficient { zeros, value: bits.value(u32::from(size)) as i16 }
}
