/// What a payload type number means in one stream: codec, clock and channels (RFC 3551, RFC 8866 §6.6).
package struct PayloadFormat: Hashable, Sendable {
  /// The codecs we name because we play, measure or recognise them; every other one passes unread.
  package enum Encoding: UInt8, Hashable, Sendable, CaseIterable {
    case pcmu, pcma, g722, g729, g723, gsm, g726, ilbc, opus, speex, telephoneEvent, comfortNoise
    case other
  }

  /// The payload type, 0 to 127.
  package let number: UInt8
  package let encoding: Encoding
  /// Ticks of the RTP timestamp in a second; 8,000 for G.722 as well (RFC 3551 §4.5.2).
  package let clockRate: UInt32

  package init(number: UInt8, encoding: Encoding, clockRate: UInt32 = 8000) {
    (self.number, self.encoding, self.clockRate) = (number & 0x7F, encoding, max(clockRate, 1))
  }

  /// Reads the encoding name of an rtpmap, case ignored: "PCMU", "telephone-event".
  package init(number: UInt8, encodingName: some StringProtocol, clockRate: UInt32) {
    let encoding: Encoding =
      switch encodingName.lowercased() {
      case "pcmu": .pcmu
      case "pcma": .pcma
      case "g722": .g722
      case "g729", "g729a", "g729ab": .g729
      case "g723": .g723
      case "gsm", "gsm-efr", "gsm-hr-08": .gsm
      case "g726-16", "g726-24", "g726-32", "g726-40", "aal2-g726-32": .g726
      case "ilbc": .ilbc
      case "opus": .opus
      case "speex": .speex
      case "telephone-event": .telephoneEvent
      case "cn": .comfortNoise
      case _: .other
      }
    self.init(number: number, encoding: encoding, clockRate: clockRate)
  }

  /// The meaning of a static payload type without an rtpmap (RFC 3551 §6); nil for a dynamic one.
  package init?(staticNumber number: UInt8) {
    switch number {
    case 0: self.init(number: number, encoding: .pcmu)
    case 3: self.init(number: number, encoding: .gsm)
    case 4: self.init(number: number, encoding: .g723)
    case 8: self.init(number: number, encoding: .pcma)
    case 9: self.init(number: number, encoding: .g722)
    case 13: self.init(number: number, encoding: .comfortNoise)
    case 18: self.init(number: number, encoding: .g729)
    case 5, 7, 12, 15: self.init(number: number, encoding: .other)
    case 6: self.init(number: number, encoding: .other, clockRate: 16_000)
    case 10, 11: self.init(number: number, encoding: .other, clockRate: 44_100)
    case 14, 25, 26, 28, 31...34: self.init(number: number, encoding: .other, clockRate: 90_000)
    case 16: self.init(number: number, encoding: .other, clockRate: 11_025)
    case 17: self.init(number: number, encoding: .other, clockRate: 22_050)
    case _: return nil
    }
  }
}
