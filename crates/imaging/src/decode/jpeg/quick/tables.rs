//! The segments before a baseline scan: quantisation, frame, Huffman tables, restart interval, scan header.

use std::io::Read;

use super::{Refusal, huffman::Huffman};

/// What a baseline scan needs.
pub(super) struct Tables {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: Vec<Component>,
    /// MCUs between restart markers; 0 for none.
    pub(super) restart_interval: u32,
    steps: [Option<[f32; 64]>; 4],
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
}

/// One component of the frame.
pub(super) struct Component {
    id: u8,
    pub(super) across: u32,
    pub(super) down: u32,
    quantiser: usize,
    /// Steps of the first coefficients in the order of the file.
    pub(super) quantisation: [f32; 64],
    dc: usize,
    ac: usize,
}

impl Tables {
    /// Reads from the start of a file up to and with the first scan header.
    pub(super) fn read(input: &mut impl Read) -> Result<Self, Refusal> {
        let mut tables = Self {
            width: 0,
            height: 0,
            components: Vec::new(),
            restart_interval: 0,
            steps: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
        };
        if read::<2>(input)? != [0xff, 0xd8] {
            return Err(Refusal::Unsupported);
        }
        loop {
            let [mark, marker] = read(input)?;
            let length = usize::from(u16::from_be_bytes(read(input)?)).saturating_sub(2);
            if mark != 0xff || matches!(marker, 0x00 | 0x01 | 0xd0..=0xd9 | 0xff) {
                return Err(Refusal::Unsupported);
            }
            let mut segment = vec![0; length];
            input.read_exact(&mut segment)?;
            let known = match marker {
                0xc0 | 0xc1 => tables.frame(&segment),
                0xc4 => tables.huffman(&segment),
                // Other frames: progressive, lossless, arithmetic.
                0xc2..=0xcf => None,
                0xdb => tables.quantisation(&segment),
                0xdd => {
                    segment.first_chunk().map(|c| tables.restart_interval = u32::from(u16::from_be_bytes(*c)))
                }
                // Adobe's transform 0 is RGB or CMYK.
                0xee if segment.starts_with(b"Adobe") && segment.get(11) == Some(&0) => None,
                0xda => return tables.scan(&segment).map(|()| tables).ok_or(Refusal::Unsupported),
                _ => Some(()),
            };
            known.ok_or(Refusal::Unsupported)?;
        }
    }

    pub(super) fn most_sampling(&self) -> (u32, u32) {
        let most = |side: fn(&Component) -> u32| self.components.iter().map(side).max().unwrap_or(1);
        (most(|c| c.across), most(|c| c.down))
    }

    pub(super) fn dc(&self, component: &Component) -> Option<&Huffman> {
        self.dc[component.dc].as_ref()
    }

    pub(super) fn ac(&self, component: &Component) -> Option<&Huffman> {
        self.ac[component.ac].as_ref()
    }

    fn quantisation(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = segment {
            let bytes = 1 + usize::from(kind >> 4);
            if bytes > 2 {
                return None;
            }
            let (table, after) = rest.split_at_checked(64 * bytes)?;
            let step = |index: usize| match table.get(index * bytes..(index + 1) * bytes) {
                Some([step]) => f32::from(*step),
                Some([high, low]) => f32::from(u16::from_be_bytes([*high, *low])),
                _ => 1.0,
            };
            *self.steps.get_mut(usize::from(kind & 15))? = Some(std::array::from_fn(step));
            segment = after;
        }
        Some(())
    }

    fn huffman(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = segment {
            let (counts, after) = rest.split_first_chunk::<16>()?;
            let symbols = counts.iter().map(|&count| usize::from(count)).sum();
            let (values, after) = after.split_at_checked(symbols)?;
            let class = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *class.get_mut(usize::from(kind & 15))? = Some(Huffman::new(counts, values)?);
            segment = after;
        }
        Some(())
    }

    fn frame(&mut self, segment: &[u8]) -> Option<()> {
        let &[8, h1, h0, w1, w0, count, ref rest @ ..] = segment else { return None };
        self.height = u32::from(u16::from_be_bytes([h1, h0]));
        self.width = u32::from(u16::from_be_bytes([w1, w0]));
        let parse = |c: &[u8]| Component {
            id: c[0],
            across: u32::from(c[1] >> 4),
            down: u32::from(c[1] & 15),
            quantiser: usize::from(c[2]),
            quantisation: [0.0; 64],
            dc: 0,
            ac: 0,
        };
        self.components = rest.chunks_exact(3).map(parse).collect();
        let sound = |c: &Component| matches!(c.across, 1 | 2) && matches!(c.down, 1 | 2) && c.quantiser < 4;
        let plausible = self.width > 0 && self.height > 0 && self.components.len() == usize::from(count);
        let rgb = self.components.iter().map(|c| c.id).eq(*b"RGB");
        // The only block of grey is an MCU, whatever its sampling says (T.81 A.2.2).
        if let [gray] = self.components.as_mut_slice() {
            (gray.across, gray.down) = (1, 1);
        }
        (plausible && !rgb && matches!(count, 1 | 3) && self.components.iter().all(sound)).then_some(())
    }

    fn scan(&mut self, segment: &[u8]) -> Option<()> {
        let (count, rest) = segment.split_first()?;
        let (chosen, [0, 63, 0]) = rest.split_at_checked(2 * usize::from(*count))? else { return None };
        if usize::from(*count) != self.components.len() || self.components.is_empty() {
            return None;
        }
        for (component, choice) in self.components.iter_mut().zip(chosen.chunks_exact(2)) {
            let (dc, ac) = (usize::from(choice[1] >> 4), usize::from(choice[1] & 15));
            self.dc.get(dc)?.as_ref()?;
            self.ac.get(ac)?.as_ref()?;
            if choice[0] != component.id {
                return None;
            }
            component.quantisation = self.steps[component.quantiser]?;
            (component.dc, component.ac) = (dc, ac);
        }
        Some(())
    }
}

fn read<const N: usize>(input: &mut impl Read) -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
