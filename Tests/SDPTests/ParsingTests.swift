import Elements
import SDP
import TestKit
import Testing

@Suite struct ParsingTests {
  @Test(
    "RFC 3665, 4475, 5118 and transfer flows: every body comes back byte for byte",
    arguments: [("rfc3665", ".sip", 52), ("rfc4475", ".dat", 8), ("rfc5118", ".dat", 1)])
  func corpora(folder: String, ending: String, least: Int) throws {
    var count = 0
    for name in try Fixtures.names(in: folder, ending: ending) {
      let message = try Fixtures.bytes("\(folder)/\(name)")
      guard
        let start = message.indices.first(where: { message[$0...].starts(with: "\r\nv=0\r\n".utf8) }
        )
      else { continue }
      var body = Array(message[(start + 2)...])
      // A message may end with text that is no SDP: the torture of Content-Length is SIP's.
      guard let description = try? SessionDescription(parsing: body) else { continue }
      while body.suffix(4) == [13, 10, 13, 10] { body.removeLast(2) }
      if body.last != 10 { body += [13, 10] }
      #expect(description.serialized() == body, "\(name)")
      #expect(!description.media.isEmpty || body.count < 200)
      count += 1
    }
    #expect(count >= least)
  }

  @Test("A desk phone's offer")
  func deskPhone() throws {
    let description = try Samples.parse(Samples.deskPhone)
    let audio = description.media[0]
    #expect(audio.kind == .audio && audio.port == 11_796 && audio.profile == .avp)
    #expect(description.endpoint(of: 0) == Endpoint("192.168.1.5:11796"))
    #expect(description.rtcpEndpoint(of: 0) == nil)
    #expect(audio.payloadTypes == [9, 0, 8, 18, 101])
    #expect(audio.codecs.map(\.name) == ["G722", "PCMU", "PCMA", "G729", "telephone-event"])
    #expect(audio.codecs[3].parameters == Array("annexb=no".utf8))
    #expect(audio.telephoneEvent?.payloadType == 101)
    #expect(audio.packetTimeMs == 20 && audio.bandwidthKbps == nil)
    #expect(description.direction(of: 0) == .sendReceive && !description.holds)
    #expect(description.originVersion == 20_012)
  }

  @Test("A soft phone's offer: IPv6, keys, video, dynamic types")
  func softPhone() throws {
    let description = try Samples.parse(Samples.softPhone)
    #expect(description.media.map(\.kind) == [.audio, .video])
    #expect(description.media.map(\.profile) == [.savp, .avpf])
    #expect(description.endpoint(of: 1) == Endpoint("[2001:db8::5]:9078"))
    #expect(description.rtcpEndpoint(of: 0) == Endpoint("[2001:db8::5]:7079"))
    let audio = description.media[0]
    #expect(audio.wantsRTCPMux && audio.crypto.count == 2 && audio.bandwidthKbps == 80)
    let opus = try #require(audio.codecs.first)
    #expect(opus.name == "opus" && opus.clockRate == 48_000 && opus.channels == 2)
    #expect(audio.codecs[1].name == "PCMU" && audio.codecs[1].clockRate == 8000)
    #expect(audio.telephoneEvent?.clockRate == 48_000)
    #expect(description.hasFingerprint(0) && description.connection == nil)
    #expect(description.serialized() == Samples.bytes(Samples.softPhone))
  }

  @Test("Phones are sloppy: bare LF, missing s= and t=, lines out of order, blank lines at the end")
  func tolerance() throws {
    let body =
      "v=0\no=- 1 1 IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 8\na=sendrecv\nc=IN IP4 10.0.0.1\n\n\n"
    let description = try SessionDescription(parsing: Array(body.utf8))
    #expect(description.endpoint(of: 0) == Endpoint("10.0.0.1:4000"))
    #expect(Samples.text(description).last == "c=IN IP4 10.0.0.1")
    let bare = try SessionDescription(parsing: Array("v=0\rm=audio 4000 RTP/AVP 0".utf8))
    #expect(bare.media.count == 1 && bare.endpoint(of: 0) == nil)
  }

  @Test(
    "What is no SDP is an error with its line",
    arguments: [
      ("", "v=0", 1),
      ("o=- 1 1 IN IP4 1.2.3.4\n", "v=0", 1),
      ("v=1\n", "v=0", 1),
      ("v=0\nhello\n", "<letter>=<value>", 2),
      ("v=0\nA=x\n", "<letter>=<value>", 2),
      ("v=0\nm=audio 4000 RTP/AVP\n", "m=<media> <port> <proto> <fmt>", 2),
      ("v=0\nm=audio 70000 RTP/AVP 0\n", "a port from 0 to 65535", 2),
      ("v=0\nm=audio -1 RTP/AVP 0\n", "a port from 0 to 65535", 2),
      ("v=0\nm=audio 999999999999999999999 RTP/AVP 0\n", "a port from 0 to 65535", 2),
      ("v=0\nc=IN IP4\n", "c=IN IP4|IP6 address", 2),
      ("v=0\nc=ATM NSAP 47.0091\n", "c=IN IP4|IP6 address", 2),
      ("v=0\na=x\0y\n", "<letter>=<value>", 2),
      ("v=0\nv=0\n", "one v= and one o= line", 2),
    ])
  func malformed(text: String, expected: String, line: Int) {
    #expect(throws: SDPError.malformed(expected: expected, line: line)) {
      try SessionDescription(parsing: Array(text.utf8))
    }
  }

  @Test("A42, A44: bombs are refused")
  func bombs() {
    func refused(_ text: String, _ what: String, _ limit: Int) {
      #expect(throws: SDPError.tooMuch(of: what, limit: limit)) {
        try SessionDescription(parsing: Array(text.utf8))
      }
    }
    let line = "m=audio 1 RTP/AVP 0\n"
    refused("v=0\n" + String(repeating: line, count: 33), "m= lines", 32)
    refused("v=0\n" + String(repeating: "a=candidate:1\n", count: 1001), "lines", 1000)
    refused("v=0\na=fmtp:96 " + String(repeating: "x", count: 5000), "bytes in a line", 4096)
    refused("v=0\n" + String(repeating: "x", count: 40_000), "bytes", 32_768)
    refused(
      "v=0\nm=audio 1 RTP/AVP" + String(repeating: " 0", count: 65), "formats in an m= line", 64)
  }

  @Test("Odd attributes give no meaning, never a trap")
  func oddities() throws {
    let description = try Samples.parse(
      """
      v=0
      o=x
      c=IN IP4 host.example.com
      m=audio 4000/3 RTP/AVP 0 300 abc 96 127
      a=rtpmap:96
      a=rtpmap:x y/z
      a=rtpmap:127 FOO/999999999999/7
      a=fmtp:127
      a=ptime:0
      a=rtcp:0
      b=AS:x
      b=TIAS:64001
      a=sendrecvx
      m=image 0 udptl t38
      """)
    let audio = description.media[0]
    #expect(audio.payloadTypes == [0, 96, 127])
    #expect(audio.codecs[1].name == "" && audio.codecs[2].name == "FOO")
    #expect(audio.packetTimeMs == nil && audio.bandwidthKbps == 65)
    #expect(description.endpoint(of: 0) == nil && description.rtcpEndpoint(of: 0) == nil)
    #expect(description.connection?.host == Array("host.example.com".utf8))
    #expect(description.media[1].isRejected && description.media[1].payloadTypes == [])
    #expect(description.originVersion == nil)
    #expect(Samples.text(description).contains("m=audio 4000/3 RTP/AVP 0 300 abc 96 127"))
  }

  @Test(
    "A18: mutated bodies never trap, and what is read is written the same",
    arguments: UInt64(1)...20)
  func mutations(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    for sample in [Samples.deskPhone, Samples.softPhone] {
      for _ in 0..<60 {
        var body = Samples.bytes(sample)
        for _ in 0..<Int.random(in: 1...12, using: &random) {
          let index = Int.random(in: 0..<body.count, using: &random)
          switch Int.random(in: 0..<4, using: &random) {
          case 0: body[index] = UInt8.random(in: .min ... .max, using: &random)
          case 1: body.remove(at: index)
          case 2: body.insert(contentsOf: body[index...].prefix(20), at: index)
          case _: body.removeSubrange(index..<min(index + 9, body.count))
          }
          if body.isEmpty { body = [0] }
        }
        guard var description = try? SessionDescription(parsing: body) else { continue }
        let again = try SessionDescription(parsing: description.serialized())
        #expect(again == description)
        for index in description.media.indices {
          _ = (description.endpoint(of: index), description.rtcpEndpoint(of: index))
          _ = (description.direction(of: index), description.media[index].codecs)
          description.media[index].keepFormats([0, 8, 101])
        }
        let address = IPAddress(v4: 0x0A00_0001)
        var keeper = OriginKeeper(id: seed)
        keeper.rewrite(
          &description, address: address,
          local: description.media.map { _ in LocalMedia(address: address, rtp: 4000, rtcp: 4001) })
        let written = try SessionDescription(parsing: description.serialized())
        #expect(written.media.count == again.media.count)
      }
    }
  }
}
