package import Elements

/// Where we receive one m= line for a leg, and how: what the B2BUA writes over the other leg's words.
package struct LocalMedia: Hashable, Sendable {
  package var address: IPAddress
  package var rtp: UInt16
  package var rtcp: UInt16
  /// Whether we say `a=rtcp-mux`.
  package var rtcpMux: Bool
  package var profile: MediaProfile
  /// Values of the `a=crypto` attributes to write; empty in the clear.
  package var crypto: [[UInt8]]
  /// Nil: the direction stays as it is.
  package var direction: Direction?

  package init(
    address: IPAddress, rtp: UInt16, rtcp: UInt16, rtcpMux: Bool = false,
    profile: MediaProfile = .avp, crypto: [[UInt8]] = [], direction: Direction? = nil
  ) {
    (self.address, self.rtp, self.rtcp, self.rtcpMux) = (address, rtp, rtcp, rtcpMux)
    (self.profile, self.crypto, self.direction) = (profile, crypto, direction)
  }
}

extension SessionDescription {
  /// Rewrites the description of one leg for the other: our addresses, ports and keys; the rest stays.
  ///
  /// Codecs, video, unknown lines and `a=zrtp-hash` stay byte for byte. What only the writer's own
  /// transport could honour goes: ICE, DTLS, BUNDLE, capability negotiation, its RTCP address. So does what says who
  /// the writer is: names, addresses, its product, the CNAME of its sources.
  /// - Parameters:
  ///   - origin: Our `o=`; see ``OriginKeeper``.
  ///   - local: One for each m= line; nil rejects it (port 0).
  package mutating func rewrite(origin: Origin, local: [LocalMedia?]) {
    setOrigin(origin)
    rewrite(fallback: origin.address, local: local)
  }

  /// As ``rewrite(origin:local:)``, with the `o=` line left as it is.
  mutating func rewrite(fallback: IPAddress, local: [LocalMedia?]) {
    invariant(local.count == media.count, "\(local.count) places for \(media.count) m= lines")
    let address = local.lazy.compactMap { $0?.address }.first ?? fallback
    var shared = false
    for index in lines.indices {
      switch lines[index].type {
      case .c:
        lines[index] = Line(address)
        shared = true
      case .s: lines[index] = .noName
      case _: break
      }
    }
    lines.dropWhatIsTheWriters()
    for index in media.indices {
      media[index].rewrite(
        local[index], sessionAddress: shared ? address : nil, fallback: address)
    }
  }

  /// Replaces the `o=` line, or adds the one that was missing.
  package mutating func setOrigin(_ origin: Origin) {
    let line = Line(.o, origin.serialized)
    if let index = lines.firstIndex(where: { $0.type == .o }) {
      lines[index] = line
    } else {
      lines.insert(line, at: 1)
    }
  }
}

extension MediaDescription {
  /// Sets the direction attribute, in the place of the old one.
  package mutating func setDirection(_ direction: Direction) {
    if let index = lines.firstIndex(where: { $0.direction != nil }) {
      lines[index] = Line(direction)
    } else {
      lines.append(Line(direction))
    }
  }

  /// Replaces all attributes of this name, in the place of the first.
  package mutating func setAttributes(_ name: StaticString, _ values: [[UInt8]]) {
    let old = lines.firstIndex { $0.isAttribute(name) }
    guard old != nil || !values.isEmpty else { return }
    let place = old ?? lines.count
    lines.removeAll { $0.isAttribute(name) }
    let prefix = Array("\(name)".utf8)
    let new = values.map { Line(.a, $0.isEmpty ? prefix : prefix + [.colon] + $0) }
    lines.insert(contentsOf: new, at: place)
  }

  fileprivate mutating func rewrite(
    _ local: LocalMedia?, sessionAddress: IPAddress?, fallback: IPAddress
  ) {
    guard let local else {
      // Nobody reads what stands behind a line that is refused, and it may name the writer.
      (port, lines) = (0, [])
      return setConnection(fallback, sessionAddress: sessionAddress)
    }
    lines.dropWhatIsTheWriters()
    port = local.rtp
    setConnection(local.address, sessionAddress: sessionAddress)
    profile = local.profile
    setAttributes("crypto", local.crypto)
    if local.rtcp != local.rtp + 1 || local.rtcpMux {
      setAttributes("rtcp", [Array(String(local.rtcpMux ? local.rtp : local.rtcp).utf8)])
    }
    if local.rtcpMux { setAttributes("rtcp-mux", [[]]) }
    if let direction = local.direction { setDirection(direction) }
  }

  /// Keeps the shape: a `c=` of its own is rewritten, a missing one added only where it is needed.
  private mutating func setConnection(_ address: IPAddress, sessionAddress: IPAddress?) {
    if let index = lines.firstIndex(where: { $0.type == .c }) {
      lines[index] = Line(address)
      for further in lines.indices.dropFirst(index + 1).reversed() where lines[further].type == .c {
        lines.remove(at: further)
      }
    } else if sessionAddress != address {
      // RFC 8866 §5: only i= comes before c=, and is gone.
      lines.insert(Line(address), at: 0)
    }
  }
}

extension [Line] {
  fileprivate mutating func dropWhatIsTheWriters() {
    if contains(where: \.isPersonal) { removeAll(where: \.isPersonal) }
    guard contains(where: \.isTransportAttribute) else { return }
    removeAll(where: \.isTransportAttribute)
  }
}

extension Line {
  /// The `c=` line of an address.
  init(_ address: IPAddress) { self.init(.c, ConnectionAddress.serialize(address)) }

  /// A session has no name that would mean anything to the other side (RFC 8866 §5.3).
  fileprivate static let noName = Line("s", "-")

  /// Lines that say who the writer is: titles, addresses on the web and of persons, product, CNAME; and the key of
  /// old that nobody uses.
  fileprivate var isPersonal: Bool {
    switch type {
    case .e, .i, .k, .p, .u: true
    case .a:
      isAttribute("tool")
        || attributeValue("ssrc")?.words.dropFirst().first?.starts(with: "cname" as StaticString)
          ?? false
    case _: false
    }
  }

  /// Attributes that speak of the writer's own transport, which ends at us.
  fileprivate var isTransportAttribute: Bool {
    guard type == .a else { return false }
    let size = attributeNameSize
    for name in Self.transportAttributes
    where name.utf8CodeUnitCount == size && value.starts(with: name) {
      return true
    }
    return attributeValue("group")?.starts(with: "BUNDLE" as StaticString) ?? false
  }

  private static let transportAttributes: [StaticString] = [
    "candidate", "remote-candidates", "end-of-candidates", "ice-ufrag", "ice-pwd", "ice-options",
    "ice-lite", "ice-mismatch", "ice-pacing", "fingerprint", "setup", "tls-id", "dtls-id",
    "connection", "bundle-only", "rtcp", "rtcp-mux", "rtcp-mux-only", "csup", "creq", "acap",
    "tcap", "pcfg", "acfg", "alt", "altc", "path", "source-filter", "key-mgmt",
  ]
}
