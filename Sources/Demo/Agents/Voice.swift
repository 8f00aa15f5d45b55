import Foundation

/// Speech of the demo: one tone in G.711 A-law, and an ear that tells tones apart.
package enum Voice {
  package static let samplesPerFrame = 160
  /// Payload type of A-law (RFC 3551 §6).
  static let payloadType: UInt8 = 8
  /// The server's warning tone (ETSI TR 101 041).
  static let warningHertz = 1400
  /// What an ear listens for; whole periods of each fit a frame, so that they do not leak into others.
  package static let pitches = [400, 500, 650, 850, 1050, warningHertz]

  /// 20 ms of a tone, the same in every frame: `hertz` is a multiple of 50.
  package static func frame(hertz: Int) -> [UInt8] {
    (0..<samplesPerFrame).map { index in
      let angle = 2 * Double.pi * Double(hertz * index) / 8000
      return encode(Int(8000 * sin(angle)))
    }
  }

  /// The tone that most of a frame is made of; nil for silence and for noise.
  package static func pitch(of frame: some Collection<UInt8>) -> Int? {
    let samples = frame.map { Double(linear[Int($0)]) }
    let energy = samples.reduce(0) { $0 + $1 * $1 }
    guard samples.count == samplesPerFrame, energy > 160 * 300 * 300 else { return nil }
    // A pure tone has all its energy in one bin: power = energy * samples / 2.
    return pitches.first { power(of: samples, at: $0) > 0.4 * energy * Double(samples.count) }
  }

  /// Twice the power in one frequency, by Goertzel's recurrence.
  private static func power(of samples: [Double], at hertz: Int) -> Double {
    let factor = 2 * cos(2 * Double.pi * Double(hertz) / 8000)
    var (last, before) = (0.0, 0.0)
    for sample in samples { (last, before) = (sample + factor * last - before, last) }
    return 2 * (last * last + before * before - factor * last * before)
  }

  /// The sample that each code stands for (ITU-T G.711 table 1a), in 16 bits.
  private static let linear: [Int] = (0...255).map { code in
    let bits = code ^ 0x55
    let (segment, position) = (bits >> 4 & 7, bits & 15)
    let magnitude =
      segment == 0 ? position << 4 + 8 : (position << 4 + 0x108) << (segment - 1)
    return bits & 0x80 != 0 ? magnitude : -magnitude
  }

  /// The code that comes nearest.
  private static func encode(_ sample: Int) -> UInt8 {
    let nearest = linear.indices.min { abs(linear[$0] - sample) < abs(linear[$1] - sample) }
    return UInt8(nearest ?? 0xD5)
  }
}

/// Tells each tone of a call once, when it has been there for a tenth of a second.
package struct Ear {
  private var pitch: Int?
  private var frames = 0
  private var known: Set<Int> = []
  private static let framesToBelieve = 5

  package init() {}

  /// The tone that has just become certain.
  package mutating func hear(_ frame: some Collection<UInt8>) -> Int? {
    let heard = Voice.pitch(of: frame)
    frames = heard == pitch ? frames + 1 : 1
    pitch = heard
    guard let heard, frames >= Self.framesToBelieve, known.insert(heard).inserted else {
      return nil
    }
    return heard
  }
}
