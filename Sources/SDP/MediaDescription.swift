import Elements

/// One m= line with what belongs to it.
package struct MediaDescription: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case audio, video, image, text, application, message
    case other([UInt8])
  }

  package let kind: Kind
  /// 0 rejects the stream (RFC 3264 §6).
  package var port: UInt16
  /// "/2" of "49170/2", kept as it came.
  let portCount: [UInt8]
  package var profile: MediaProfile
  /// Payload types of RTP, or whatever the profile has there, with one space between them; at least one.
  private(set) var formats: ArraySlice<UInt8>
  /// The lines behind the m= line.
  var lines: [Line]

  init(
    kind: Kind, port: UInt16, portCount: [UInt8], profile: MediaProfile,
    formats: ArraySlice<UInt8>, lines: [Line]
  ) {
    (self.kind, self.port, self.portCount) = (kind, port, portCount)
    (self.profile, self.formats, self.lines) = (profile, formats, lines)
  }

  /// An m= line of our own making, with rtpmap and fmtp for each codec.
  package init(
    _ kind: Kind, port: UInt16, profile: MediaProfile = .avp, codecs: [Codec],
    direction: Direction = .sendReceive, packetTimeMs: Int? = nil
  ) {
    var lines: [Line] = []
    for codec in codecs {
      let channels = codec.channels > 1 ? "/\(codec.channels)" : ""
      lines.append(
        Line("a", "rtpmap:\(codec.payloadType) \(codec.name)/\(codec.clockRate)\(channels)"))
      if let parameters = codec.parameters {
        lines.append(Line("a", "fmtp:\(codec.payloadType) \(parameters.text)"))
      }
    }
    if let packetTimeMs { lines.append(Line("a", "ptime:\(packetTimeMs)")) }
    lines.append(Line(direction))
    self.init(
      kind: kind, port: port, portCount: [], profile: profile,
      formats: Self.text(of: codecs.map(\.payloadType)), lines: lines)
  }

  package var isRejected: Bool { port == 0 }

  /// The same m= line as it is refused, without attributes (RFC 3264 §6).
  var rejected: MediaDescription {
    MediaDescription(
      kind: kind, port: 0, portCount: [], profile: profile, formats: formats, lines: [])
  }

  /// The `c=` of this m= line, nil where the session's counts.
  package var connection: ConnectionAddress? {
    lines.first { $0.type == .c }.flatMap { ConnectionAddress(parsing: $0.value) }
  }

  /// The direction attribute of this m= line, nil without one.
  package var direction: Direction? { Self.direction(in: lines) }

  static func direction(in lines: [Line]) -> Direction? {
    for line in lines {
      if let direction = line.direction { return direction }
    }
    return nil
  }

  /// The value of the first attribute of this name, empty for a flag; nil without one.
  package func attribute(_ name: StaticString) -> [UInt8]? {
    lines.lazy.compactMap { $0.attributeValue(name) }.first.map(Array.init)
  }

  /// The values of all attributes of this name, in order.
  package func attributes(_ name: StaticString) -> [[UInt8]] {
    lines.compactMap { $0.attributeValue(name).map(Array.init) }
  }

  /// The values of `a=crypto`, for the SRTP side to read (RFC 4568).
  package var crypto: [[UInt8]] { attributes("crypto") }
  package var wantsRTCPMux: Bool { hasAttribute("rtcp-mux") }

  func hasAttribute(_ name: StaticString) -> Bool {
    for line in lines where line.isAttribute(name) { return true }
    return false
  }

  /// Milliseconds of `a=ptime`, from 1 to 1,000.
  package var packetTimeMs: Int? {
    guard let value = attribute("ptime")?[...].firstWord.number(digits: 4),
      (1...1000).contains(value)
    else { return nil }
    return value
  }
  /// Kilobits a second of `b=AS`, or `b=TIAS` rounded up (RFC 3890).
  package var bandwidthKbps: Int? {
    for line in lines where line.type == .b {
      let parts = line.value.split(separator: .colon, maxSplits: 1)
      guard parts.count == 2, let value = parts[1].number() else { continue }
      if parts[0].text == "AS" { return value }
      if parts[0].text == "TIAS" { return (value + 999) / 1000 }
    }
    return nil
  }

  /// The payload types of an RTP m= line; words that are no payload type are left out.
  package var payloadTypes: [UInt8] {
    var types: [UInt8] = []
    types.reserveCapacity(formats.count / 2 + 1)
    var index = formats.startIndex
    while let type = nextPayloadType(at: &index) { types.append(type) }
    return types
  }

  /// The next payload type from `index` on in ``formats``.
  private func nextPayloadType(at index: inout Int) -> UInt8? {
    guard profile.isRTP else { return nil }
    while index < formats.endIndex {
      if let number = formats.word(at: &index).number(digits: 3), number < 128 {
        return UInt8(number)
      }
    }
    return nil
  }

  /// The payload types with their meaning, in order of preference.
  ///
  /// A dynamic type without a readable rtpmap is called "" and has a clock of 8,000.
  package var codecs: [Codec] { payloadTypes.map(codec) }

  /// The encoding name of the codec in force: the first that is no telephone event.
  package var firstCodecName: String? {
    var index = formats.startIndex
    while let number = nextPayloadType(at: &index) {
      let found = codec(number, withParameters: false)
      if !found.isTelephoneEvent { return found.name }
    }
    return nil
  }

  /// The first word of the formats, whatever it means: "t38" of a fax.
  package var firstFormat: String? { formats.isEmpty ? nil : formats.firstWord.text }

  /// The ``codecs`` by name and clock only, without what their `a=fmtp` says.
  package var encodings: [Codec] {
    var encodings: [Codec] = []
    encodings.reserveCapacity(formats.count / 2 + 1)
    var index = formats.startIndex
    while let type = nextPayloadType(at: &index) {
      encodings.append(codec(type, withParameters: false))
    }
    return encodings
  }

  private func codec(_ number: UInt8) -> Codec { codec(number, withParameters: true) }

  private func codec(_ number: UInt8, withParameters: Bool) -> Codec {
    let fmtp = withParameters ? attribute("fmtp", of: number).map(Array.init) : nil
    guard let map = attribute("rtpmap", of: number) else {
      let known = Codec.staticMeaning(of: number)
      return Codec(
        payloadType: number, name: known?.name ?? "", clockRate: known?.clockRate ?? 8000,
        parameters: fmtp)
    }
    var index = map.startIndex
    let (name, clock, channels) = (
      map.part(at: &index), map.part(at: &index), map.part(at: &index)
    )
    return Codec(
      payloadType: number, name: name.text,
      clockRate: UInt32(clamping: clock.number(digits: 9) ?? 8000),
      channels: channels.number(digits: 2) ?? 1, parameters: fmtp)
  }

  /// The payload type of telephone events (RFC 4733); of several the one with an 8,000 Hz clock.
  package var telephoneEvent: Codec? {
    let events = codecs.filter(\.isTelephoneEvent)
    return events.first { $0.clockRate == 8000 } ?? events.first
  }

  /// What stands behind "<number> " in the first attribute of that name, an rtpmap or fmtp.
  private func attribute(_ name: StaticString, of number: UInt8) -> ArraySlice<UInt8>? {
    for line in lines {
      guard let value = line.attributeValue(name) else { continue }
      var index = value.startIndex
      guard value.part(at: &index, between: .space).number(digits: 3) == Int(number) else {
        continue
      }
      while index < value.endIndex, value[index] == .space { index += 1 }
      if index < value.endIndex { return value[index...] }
    }
    return nil
  }

  /// Keeps these payload types only, in this order, with their rtpmap, fmtp and rtcp-fb.
  ///
  /// Types that are not in the m= line are passed over; when none is left the m= line stays as it was.
  package mutating func keepFormats(_ wanted: [UInt8]) {
    let kept = wanted.filter(payloadTypes.contains)
    guard !kept.isEmpty else { return }
    let gone = Set(payloadTypes).subtracting(kept)
    formats = Self.text(of: kept)
    lines.removeAll { line in
      for name: StaticString in ["rtpmap", "fmtp", "rtcp-fb"] {
        if let number = line.attributeValue(name)?.firstWord.number(digits: 3) {
          return gone.contains(UInt8(clamping: number))
        }
      }
      return false
    }
  }

  private static func text(of types: [UInt8]) -> ArraySlice<UInt8> {
    var text: [UInt8] = []
    for type in types {
      if !text.isEmpty { text.append(.space) }
      text.append(decimal: UInt64(type))
    }
    return text[...]
  }
}
