import Elements

/// The transport of an m= line (RFC 3551, 3711, 4585, 5124, 5764).
package enum MediaProfile: Hashable, Sendable {
  case avp, avpf, savp, savpf
  /// Keys by DTLS (RFC 5764): known, so that it can be refused or replaced.
  case dtlsSAVP, dtlsSAVPF
  /// Anything else, kept as it came: "udptl", "TCP/MSRP".
  case other([UInt8])

  init(_ bytes: ArraySlice<UInt8>) {
    let known = Self.known.first { bytes.isWord($0.word) }
    self = known?.profile ?? .other(Array(bytes))
  }

  private static let known: [(word: StaticString, profile: MediaProfile)] = [
    ("rtp/avp", .avp), ("rtp/avpf", .avpf), ("rtp/savp", .savp), ("rtp/savpf", .savpf),
    ("udp/tls/rtp/savp", .dtlsSAVP), ("udp/tls/rtp/savpf", .dtlsSAVPF),
  ]

  package var name: String {
    [UInt8](room: room) { append(to: &$0) }.text
  }

  /// Bytes of its name, at most.
  var room: Int { if case .other(let word) = self { word.count } else { 17 } }

  /// Appends it as it stands in the m= line.
  func append(to bytes: inout OutputSpan<UInt8>) {
    switch self {
    case .avp: bytes.append(text: "RTP/AVP")
    case .avpf: bytes.append(text: "RTP/AVPF")
    case .savp: bytes.append(text: "RTP/SAVP")
    case .savpf: bytes.append(text: "RTP/SAVPF")
    case .dtlsSAVP: bytes.append(text: "UDP/TLS/RTP/SAVP")
    case .dtlsSAVPF: bytes.append(text: "UDP/TLS/RTP/SAVPF")
    case .other(let word): bytes.append(copying: word.span)
    }
  }

  package var isRTP: Bool { if case .other = self { false } else { true } }

  /// Keys come in `a=crypto` attributes or are missing.
  package var isSecure: Bool { self == .savp || self == .savpf }

  /// The same profile with SDES keys, or in the clear; feedback (F) is kept, DTLS is replaced.
  package func secured(_ secure: Bool) -> MediaProfile {
    switch self {
    case .avp, .savp, .dtlsSAVP: secure ? .savp : .avp
    case .avpf, .savpf, .dtlsSAVPF: secure ? .savpf : .avpf
    case .other: self
    }
  }
}

/// Who may send (RFC 3264 §5.1), seen from the one who wrote the description.
package enum Direction: String, Hashable, Sendable, CaseIterable {
  case sendReceive = "sendrecv"
  case sendOnly = "sendonly"
  case receiveOnly = "recvonly"
  case inactive

  /// The direction that an `a=` line names; nil for another attribute.
  init?(attribute value: ArraySlice<UInt8>) {
    guard value.count == 8 else { return nil }
    if value.starts(with: "sendrecv") {
      self = .sendReceive
    } else if value.starts(with: "sendonly") {
      self = .sendOnly
    } else if value.starts(with: "recvonly") {
      self = .receiveOnly
    } else if value.starts(with: "inactive") {
      self = .inactive
    } else {
      return nil
    }
  }

  package init(sends: Bool, receives: Bool) {
    self =
      switch (sends, receives) {
      case (true, true): .sendReceive
      case (true, false): .sendOnly
      case (false, true): .receiveOnly
      case (false, false): .inactive
      }
  }

  package var sends: Bool { self == .sendReceive || self == .sendOnly }
  package var receives: Bool { self == .sendReceive || self == .receiveOnly }
  /// The same seen from the other side.
  package var reversed: Direction { Direction(sends: receives, receives: sends) }
}

/// One payload type of an m= line and what it means.
package struct Codec: Hashable, Sendable {
  package let payloadType: UInt8
  /// Encoding name as written: "PCMU", "telephone-event".
  package let name: String
  package let clockRate: UInt32
  package let channels: Int
  /// The value of its `a=fmtp`, behind the payload type.
  package let parameters: [UInt8]?

  package init(
    payloadType: UInt8, name: String, clockRate: UInt32 = 8000, channels: Int = 1,
    parameters: [UInt8]? = nil
  ) {
    (self.payloadType, self.name, self.clockRate) = (payloadType, name, clockRate)
    (self.channels, self.parameters) = (channels, parameters)
  }

  package var isTelephoneEvent: Bool { name.utf8.isWord("telephone-event") }

  /// The meaning of static payload types without an rtpmap (RFC 3551 §6).
  static func staticMeaning(of number: UInt8) -> (name: String, clockRate: UInt32)? {
    switch number {
    case 0: ("PCMU", 8000)
    case 3: ("GSM", 8000)
    case 4: ("G723", 8000)
    case 5: ("DVI4", 8000)
    case 6: ("DVI4", 16_000)
    case 7: ("LPC", 8000)
    case 8: ("PCMA", 8000)
    case 9: ("G722", 8000)
    case 10, 11: ("L16", 44_100)
    case 12: ("QCELP", 8000)
    case 13: ("CN", 8000)
    case 14: ("MPA", 90_000)
    case 15: ("G728", 8000)
    case 16: ("DVI4", 11_025)
    case 17: ("DVI4", 22_050)
    case 18: ("G729", 8000)
    case 25: ("CelB", 90_000)
    case 26: ("JPEG", 90_000)
    case 28: ("nv", 90_000)
    case 31: ("H261", 90_000)
    case 32: ("MPV", 90_000)
    case 33: ("MP2T", 90_000)
    case 34: ("H263", 90_000)
    case _: nil
    }
  }
}
