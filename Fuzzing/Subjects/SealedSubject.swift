import Elements
import RTP
import SRTP

/// A packet that claims to be SRTP or SRTCP: what nobody sealed is refused, what we seal can be opened.
struct SealedSubject: Subject {
  static let name = "sealed"
  static let mostBytes = 2048

  private let keys: [MasterKey]
  private let doors: [SRTPContext]

  init() throws {
    var dice = Dice.seeded(SplitMix(seed: 3))
    let plain = ProtectionProfile.allCases.map { MasterKey(random: $0, using: &dice) }
    let named = plain.compactMap {
      MasterKey(profile: $0.profile, material: $0.material, identifier: [1, 2, 3, 4])
    }
    keys = plain + named
    doors = try keys.map { try SRTPContext($0, .inbound) }
  }

  func work(_ input: [UInt8]) -> [Int] {
    doors.flatMap { door in
      [
        input.changed { (bytes, length) throws(SRTPError) in
          try door.unprotectRTP(&bytes, length: length)
        },
        input.changed { (bytes, length) throws(SRTPError) in
          try door.unprotectRTCP(&bytes, length: length)
        },
      ].compactMap { $0?.count }
    }
  }

  func check(_ outcome: [Int], of input: [UInt8]) {
    // One of 2^32 is let through by chance where the tag has four bytes.
    require(outcome.count <= 1, "nobody has the key")
    let key = keys[Int(fingerprint(of: input) % UInt64(keys.count))]
    let ends = require("contexts of a good key") {
      (try SRTPContext(key, .outbound), try SRTPContext(key, .inbound))
    }
    if RTPHeader(parsing: input.span.bytes, length: input.count, encrypted: true) != nil {
      let sealed = input.changed { (bytes, length) throws(SRTPError) in
        try ends.0.protectRTP(&bytes, length: length)
      }
      let opened = sealed?.changed { (bytes, length) throws(SRTPError) in
        try ends.1.unprotectRTP(&bytes, length: length)
      }
      require(opened == input, "what was sealed is opened")
      let again = sealed?.changed { (bytes, length) throws(SRTPError) in
        try ends.1.unprotectRTP(&bytes, length: length)
      }
      require(again == nil, "and once only")
    }
    guard input.count >= 8 else { return }
    let sealed = input.changed { (bytes, length) throws(SRTPError) in
      try ends.0.protectRTCP(&bytes, length: length)
    }
    let opened = sealed?.changed { (bytes, length) throws(SRTPError) in
      try ends.1.unprotectRTCP(&bytes, length: length)
    }
    require(opened == input, "a sealed report is opened")
  }
}

extension [UInt8] {
  /// The packet that an operation makes of this one in a buffer with room; nil where it refuses.
  fileprivate func changed(
    _ operation: (inout MutableRawSpan, Int) throws(SRTPError) -> Int
  ) -> [UInt8]? {
    var buffer = self + [UInt8](repeating: 0, count: SRTPContext.maximumTrailer)
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    guard let length = try? operation(&bytes, count) else { return nil }
    return Array(buffer[..<length])
  }
}
