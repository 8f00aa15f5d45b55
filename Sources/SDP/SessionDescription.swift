package import Elements

/// A session description (RFC 8866), held as its lines, so that what we do not know stays as it is.
package struct SessionDescription: Hashable, Sendable {
  /// The lines before the first m= line, `v=` included.
  var lines: [Line]
  /// One for each m= line; their number and order never change in a dialog (RFC 3264 §8).
  package var media: [MediaDescription]

  init(lines: [Line], media: [MediaDescription]) {
    (self.lines, self.media) = (lines, media)
  }

  /// A description of our own making.
  package init(origin: Origin, media: [MediaDescription]) {
    lines = [
      Line("v", "0"), Line(.o, origin.serialized), Line("s", "-"),
      Line(origin.address), Line("t", "0 0"),
    ]
    self.media = media
  }

  /// The session-level `c=`, nil where each m= line has its own.
  package var connection: ConnectionAddress? {
    lines.first { $0.type == .c }.flatMap { ConnectionAddress(parsing: $0.value) }
  }

  /// Version number of the `o=` line, nil where it cannot be read.
  package var originVersion: UInt64? {
    let words = lines.first { $0.type == .o }?.value.words ?? []
    return words.count == 6 ? UInt64(words[2].text) : nil
  }

  /// The value of the `c=` line in force for an m= line.
  private func connectionValue(of index: Int) -> ArraySlice<UInt8>? {
    for line in media[index].lines where line.type == .c { return line.value }
    for line in lines where line.type == .c { return line.value }
    return nil
  }

  /// Where the writer wants RTP of an m= line.
  ///
  /// Nil when the m= line is rejected (port 0), when its address is a host name, missing, or the
  /// unspecified address that means hold.
  package func endpoint(of index: Int) -> Endpoint? {
    guard media[index].port != 0, let value = connectionValue(of: index),
      let address = ConnectionAddress.address(in: value), address != .v4Any, address != .v6Any
    else { return nil }
    return Endpoint(address, media[index].port)
  }

  /// Where the writer wants RTCP of an m= line: what `a=rtcp` says (RFC 3605); nil without one.
  package func rtcpEndpoint(of index: Int) -> Endpoint? {
    guard let value = media[index].attribute("rtcp") else { return nil }
    let words = value.words
    guard let port = words.first?.number(digits: 5), (1...65_535).contains(port) else { return nil }
    if words.count == 4, let address = ConnectionAddress.address(in: value[words[1].startIndex...])
    {
      return address == .v4Any || address == .v6Any ? nil : Endpoint(address, UInt16(port))
    }
    return endpoint(of: index).map { Endpoint($0.address, UInt16(port)) }
  }

  /// Who may send in an m= line: its own attribute, the session's, or both ways (RFC 3264 §5.1).
  ///
  /// The unspecified address takes the writer's wish to receive away (RFC 3264 §8.4); port 0 everything.
  package func direction(of index: Int) -> Direction {
    guard media[index].port != 0 else { return .inactive }
    let written = media[index].direction ?? MediaDescription.direction(in: lines) ?? .sendReceive
    guard connectionValue(of: index).map(ConnectionAddress.isUnspecified) ?? false else {
      return written
    }
    return Direction(sends: written.sends, receives: false)
  }

  /// Whether the writer puts the other side on hold: no audio or video of it is wanted.
  package var holds: Bool {
    let active = media.indices.filter { media[$0].port != 0 }
    return !active.isEmpty && active.allSatisfy { !direction(of: $0).receives }
  }

  /// The value of the first session-level attribute of this name, empty for a flag.
  package func attribute(_ name: StaticString) -> [UInt8]? {
    lines.lazy.compactMap { $0.attributeValue(name) }.first.map(Array.init)
  }

  /// An SDES key may stand at no other level than the m= line; a DTLS fingerprint may (RFC 8122 §5).
  package func hasFingerprint(_ index: Int) -> Bool {
    attribute("fingerprint") != nil || media[index].attribute("fingerprint") != nil
  }
}
