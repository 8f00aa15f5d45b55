import Elements
import RTP

/// Plays one tone to one leg: G.711 frames of 20 ms under a source of its own.
///
/// A source of its own, so that the numbers of the peer's packets, their rollover counters and the keys
/// of ZRTP stay untouched; phones follow a new source as they do after a transfer.
struct TonePlayer {
  static let frame = Duration.milliseconds(20)
  static let samplesPerFrame = 160
  private static let samplesPerMillisecond = 8

  let leg: Int
  /// Row of the stream it plays into.
  let stream: Int
  let format: PayloadFormat
  private let law: G711.Law
  private let tone: Tone
  private let source: UInt32
  private var sequence: UInt16
  private var timestamp: UInt32
  private var isFirst = true
  /// Where in the tone the next frame starts, in samples of all repetitions.
  private var position = 0
  private var phases: (UInt32, UInt32) = (0, 0)
  private(set) var nextFrameAt: Instant

  init(
    _ tone: Tone, leg: Int, stream: Int, format: PayloadFormat, at now: Instant,
    using dice: inout Dice
  ) {
    (self.tone, self.leg, self.stream, self.format) = (tone, leg, stream, format)
    law = format.encoding == .pcma ? .a : .mu
    source = UInt32.random(in: .min ... .max, using: &dice)
    sequence = UInt16.random(in: 0...0x7FFF, using: &dice)
    timestamp = UInt32.random(in: .min ... .max, using: &dice)
    nextFrameAt = now
  }

  private var totalSamples: Int {
    Int(tone.duration.wholeMilliseconds) * Self.samplesPerMillisecond
  }

  var isOver: Bool { position >= totalSamples }

  /// The next packet, in the clear.
  mutating func nextFrame() -> [UInt8] {
    var payload: [UInt8] = []
    payload.reserveCapacity(Self.samplesPerFrame)
    for _ in 0..<Self.samplesPerFrame {
      payload.append(G711.encode(nextSample(), law))
    }
    let packet = RTPHeader.packet(
      payloadType: format.number, marker: isFirst, sequence: sequence, timestamp: timestamp,
      source: source, payload: payload)
    isFirst = false
    sequence &+= 1
    timestamp &+= UInt32(Self.samplesPerFrame)
    nextFrameAt = nextFrameAt + Self.frame
    return packet
  }

  /// After a pause of the lane: frames that nobody would wait for are left out.
  mutating func skip(to now: Instant) {
    while nextFrameAt + .milliseconds(100) < now, !isOver {
      position += Self.samplesPerFrame
      timestamp &+= UInt32(Self.samplesPerFrame)
      nextFrameAt = nextFrameAt + Self.frame
    }
  }

  private mutating func nextSample() -> Int16 {
    guard !isOver else { return 0 }
    let segment = segment(at: position)
    position += 1
    let count = (segment.firstHertz > 0 ? 1 : 0) + (segment.secondHertz > 0 ? 1 : 0)
    guard count > 0 else {
      phases = (0, 0)
      return 0
    }
    let sample = Sine.value(at: phases.0) + Sine.value(at: phases.1)
    phases.0 &+= Sine.step(hertz: segment.firstHertz)
    phases.1 &+= Sine.step(hertz: segment.secondHertz)
    // A quarter of full scale, about -12 dBm0: audible over speech, and no shock.
    return Int16(sample / Int32(4 * count))
  }

  private func segment(at position: Int) -> Tone.Segment {
    let round = totalSamples / tone.repetitions
    var rest = position % max(round, 1)
    for segment in tone.segments {
      let samples = segment.milliseconds * Self.samplesPerMillisecond
      if rest < samples { return segment }
      rest -= samples
    }
    return Tone.Segment(0, milliseconds: 0)
  }
}

/// Sine waves at 8,000 samples a second from a table, the same on every machine.
enum Sine {
  /// A whole turn is 2^32.
  static func step(hertz: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: UInt64(max(hertz, 0)) << 32 / 8000)
  }

  /// -32,767 to 32,767.
  static func value(at phase: UInt32) -> Int32 {
    let index = Int(phase >> 22)
    return switch index >> 8 {
    case 0: quarter[index]
    case 1: quarter[512 - index]
    case 2: -quarter[index - 512]
    case _: -quarter[1024 - index]
    }
  }

  /// The first quarter of a turn in 256 steps, by the Taylor series to the eleventh power.
  private static let quarter: [Int32] = (0...256).map { step in
    let angle = Double(step) / 256 * (Double.pi / 2)
    var (term, sum) = (angle, angle)
    for power in stride(from: 3.0, through: 11, by: 2) {
      term *= -angle * angle / (power * (power - 1))
      sum += term
    }
    return Int32((sum * 32_767).rounded())
  }
}
