import Elements
import SDP
import Testing

@Suite struct RewriteTests {
  private let ours = IPAddress(v4: 0xC633_6401)  // 198.51.100.1
  private let ours6 = IPAddress(high: 0x2001_0db8_0000_0000, low: 1)

  private func local(
    _ port: UInt16, profile: MediaProfile = .avp, crypto: [String] = []
  ) -> LocalMedia {
    LocalMedia(
      address: ours, rtp: port, rtcp: port + 1, profile: profile,
      crypto: crypto.map { Array($0.utf8) })
  }

  @Test("A desk phone's offer: address, port, origin and name are ours, the rest stays as it is")
  func deskPhone() throws {
    var description = try Samples.parse(Samples.deskPhone)
    let before = Samples.text(description)
    description.rewrite(
      origin: Origin(id: 7, version: 8, address: ours), local: [local(12_000)])
    let after = Samples.text(description)
    #expect(after[1] == "o=- 7 8 IN IP4 198.51.100.1")
    #expect(after[2] == "s=-")
    #expect(after[3] == "c=IN IP4 198.51.100.1")
    #expect(after[5] == "m=audio 12000 RTP/AVP 9 0 8 18 101")
    let changed = zip(before, after).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
    #expect(changed == [1, 2, 3, 5] && before.count == after.count)
  }

  @Test("A soft phone's offer to a plain IPv4 leg: its transport goes, zrtp-hash and video stay")
  func softPhone() throws {
    var description = try Samples.parse(Samples.softPhone)
    description.rewrite(
      origin: Origin(id: 7, version: 7, address: ours),
      local: [local(12_000), local(12_004, profile: .avpf)])
    #expect(
      Samples.text(description) == [
        "v=0", "o=- 7 7 IN IP4 198.51.100.1", "s=-", "t=0 0", "a=x-vendor:keep me",
        "m=audio 12000 RTP/AVP 96 0 97", "c=IN IP4 198.51.100.1", "b=AS:80",
        "a=rtpmap:96 opus/48000/2", "a=fmtp:96 useinbandfec=1", "a=rtpmap:97 telephone-event/48000",
        "a=zrtp-hash:1.10 fe30efd02423cb054e50efd0248742ac7a52c8f91bc2df881ae642c371ba46df",
        "a=mid:as", "a=rtcp-fb:* trr-int 1000", "m=video 12004 RTP/AVPF 98",
        "c=IN IP4 198.51.100.1", "a=rtpmap:98 H264/90000", "a=fmtp:98 profile-level-id=42801F",
        "a=rtcp-fb:98 nack pli", "a=mid:vs",
      ])
  }

  @Test("A42: no address, candidate, key or fingerprint of the other leg is left anywhere")
  func topology() throws {
    var description = try Samples.parse(Samples.softPhone)
    description.rewrite(
      origin: Origin(id: 7, version: 7, address: ours),
      local: [local(12_000, profile: .savp, crypto: ["1 AEAD_AES_128_GCM inline:ours"]), nil])
    let text = Samples.text(description).joined(separator: "\n")
    for secret in ["2001:db8", "WVNf", "candidate", "ice-", "fingerprint", "BUNDLE", "alice"] {
      #expect(!text.contains(secret), "\(secret)")
    }
    #expect(text.contains("m=audio 12000 RTP/SAVP 96 0 97"))
    #expect(text.contains("a=crypto:1 AEAD_AES_128_GCM inline:ours"))
    #expect(text.contains("m=video 0 RTP/AVPF 98"))
  }

  @Test("Who the writer is, where he is and what his product is called goes no further")
  func person() throws {
    var description = try Samples.parse(
      """
      v=0
      o=101 1 1 IN IP4 192.168.1.5
      s=SoftPhone 3.2 on desk-7
      i=A call of Ann
      u=http://office.example/ann
      e=ann@office.example
      p=+34 976 111 222
      c=IN IP4 192.168.1.5
      t=0 0
      k=prompt
      a=tool:SoftPhone 3.2
      a=x-vendor:keep me
      m=audio 4000 RTP/AVP 0
      i=Ann
      k=prompt
      a=alt:1 1 : a8gB KzX7 192.168.1.5 4000
      a=ssrc:123 cname:sip:101@office.example
      a=ssrc:123 label:voice
      a=x-volume:3
      m=message 2855 TCP/MSRP *
      i=Chat with Ann
      a=accept-types:text/plain
      a=path:msrp://192.168.1.5:2855/x;tcp
      """)
    description.rewrite(
      origin: Origin(id: 7, version: 7, address: ours), local: [local(12_000), nil])
    #expect(
      Samples.text(description) == [
        "v=0", "o=- 7 7 IN IP4 198.51.100.1", "s=-", "c=IN IP4 198.51.100.1", "t=0 0",
        "a=x-vendor:keep me", "m=audio 12000 RTP/AVP 0", "a=ssrc:123 label:voice", "a=x-volume:3",
        "m=message 0 TCP/MSRP *",
      ])
  }

  @Test("A path of MSRP goes no further either where the line is taken")
  func path() throws {
    var description = try Samples.parse(
      "v=0\nc=IN IP4 10.0.0.1\nm=message 2855 TCP/MSRP *\na=path:msrp://10.0.0.1:2855/x;tcp\n")
    description.rewrite(origin: Origin(id: 7, version: 7, address: ours), local: [local(12_000)])
    #expect(!Samples.text(description).joined().contains("10.0.0.1"))
  }

  @Test("The new keys stand where the old ones stood")
  func keyPlace() throws {
    var description = try Samples.parse(Samples.softPhone)
    description.rewrite(
      origin: Origin(id: 7, version: 7, address: ours),
      local: [local(12_000, profile: .savp, crypto: ["1 A inline:x", "2 B inline:y"]), nil])
    let lines = Samples.text(description)
    let first = try #require(lines.firstIndex(of: "a=crypto:1 A inline:x"))
    #expect(lines[first - 1] == "a=rtpmap:97 telephone-event/48000")
    #expect(lines[first + 1] == "a=crypto:2 B inline:y")
    #expect(lines[first + 2].hasPrefix("a=zrtp-hash"))
  }

  @Test("IPv4 and IPv6 side by side: a second family gets a c= of its own")
  func families() throws {
    var description = try Samples.parse(
      """
      v=0
      o=- 1 1 IN IP4 10.0.0.1
      s=-
      c=IN IP4 10.0.0.1
      t=0 0
      m=audio 4000 RTP/AVP 0
      m=video 4002 RTP/AVP 31
      i=picture
      a=rtpmap:31 H261/90000
      """)
    let video = LocalMedia(address: ours6, rtp: 12_002, rtcp: 12_003)
    description.rewrite(
      origin: Origin(id: 7, version: 7, address: ours), local: [local(12_000), video])
    #expect(
      Samples.text(description).suffix(4) == [
        "m=audio 12000 RTP/AVP 0", "m=video 12002 RTP/AVP 31", "c=IN IP6 2001:db8::1",
        "a=rtpmap:31 H261/90000",
      ])
    #expect(description.endpoint(of: 1) == Endpoint(ours6, 12_002))
  }

  @Test("RTCP: rtcp-mux when agreed, a=rtcp only where the port is not the next one")
  func rtcp() throws {
    var description = try Samples.parse(Samples.deskPhone)
    var place = local(12_000)
    place.rtcpMux = true
    description.rewrite(origin: Origin(id: 7, version: 7, address: ours), local: [place])
    #expect(Samples.text(description).suffix(2) == ["a=rtcp:12000", "a=rtcp-mux"])
    (place.rtcpMux, place.rtcp) = (false, 15_001)
    description.rewrite(origin: Origin(id: 7, version: 7, address: ours), local: [place])
    #expect(Samples.text(description).last == "a=rtcp:15001")
    #expect(!description.media[0].wantsRTCPMux)
  }

  @Test("Formats: fewer payload types go with their rtpmap, fmtp and feedback; never all of them")
  func formats() throws {
    var description = try Samples.parse(Samples.deskPhone)
    description.media[0].keepFormats([8, 101, 55])
    #expect(
      Samples.text(description).suffix(6) == [
        "m=audio 11796 RTP/AVP 8 101", "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=sendrecv",
      ])
    description.media[0].keepFormats([77])
    #expect(description.media[0].payloadTypes == [8, 101])
  }

  @Test("RFC 3264 §8: the version goes up with a change and stays without one")
  func versions() throws {
    var keeper = OriginKeeper(id: 4_000)
    func next(_ change: (inout SessionDescription) -> Void = { _ in }) throws -> UInt64? {
      var description = try Samples.parse(Samples.deskPhone)
      change(&description)
      keeper.rewrite(&description, address: ours, local: [local(12_000)])
      return description.originVersion
    }
    let versions = [
      try next(), try next(), try next { $0.setDirection(.sendOnly) },
      try next { $0.setDirection(.sendOnly) }, try next(),
    ]
    #expect(versions == [1_000, 1_000, 1_001, 1_001, 1_002])
  }

  @Test("RFC 3264 §8.4, RFC 2543: hold in all its forms")
  func hold() throws {
    var description = try Samples.parse(Samples.deskPhone)
    description.setDirection(.sendOnly)
    #expect(description.holds && description.direction(of: 0) == .sendOnly)
    description.setDirection(.inactive)
    #expect(description.holds)
    description.setDirection(.sendReceive)
    #expect(!description.holds)
    let session = try Samples.parse(
      "v=0\nc=IN IP4 10.0.0.1\na=sendonly\nm=audio 4000 RTP/AVP 0\n")
    #expect(session.holds)
    let old = try Samples.parse("v=0\nc=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 0\n")
    #expect(old.holds && old.direction(of: 0) == .sendOnly && old.endpoint(of: 0) == nil)
    let rejected = try Samples.parse("v=0\nc=IN IP4 10.0.0.1\nm=audio 0 RTP/AVP 0\n")
    #expect(!rejected.holds && rejected.direction(of: 0) == .inactive)
  }

  @Test(
    "RFC 3264 §6.1: the direction of an answer", arguments: Direction.allCases, Direction.allCases)
  func answers(offered: Direction, wish: Direction) {
    let answer = offered.answer(wishing: wish)
    #expect(!answer.sends || (offered.receives && wish.sends))
    #expect(!answer.receives || (offered.sends && wish.receives))
    #expect(offered.answer(wishing: .sendReceive) == offered.reversed)
    #expect(offered.reversed.reversed == offered)
  }

  @Test("RFC 3264 §6: an answer has the m= lines of its offer")
  func fitting() throws {
    let offer = try Samples.parse(Samples.softPhone)
    var rejecting = offer
    rejecting.rewrite(
      origin: Origin(id: 7, version: 7, address: ours), local: offer.media.map { _ in nil })
    try rejecting.checkAnswer(to: offer)
    #expect(rejecting.media.allSatisfy { $0.isRejected })
    #expect(!Samples.text(rejecting).joined().contains("2001:db8"))
    #expect(throws: SDPError.answerMismatch("m= line 1 was not offered")) {
      try offer.checkAnswer(to: rejecting)
    }
    let desk = try Samples.parse(Samples.deskPhone)
    #expect(throws: SDPError.answerMismatch("1 m= lines for 2")) {
      try desk.checkAnswer(to: offer)
    }
    var swapped = offer
    swapped.media.swapAt(0, 1)
    #expect(throws: SDPError.answerMismatch("m= line 1 is of another media")) {
      try swapped.checkAnswer(to: offer)
    }
  }

  @Test("A description of our own reads back as what it was made of")
  func ownMaking() throws {
    let codecs = [
      Codec(payloadType: 8, name: "PCMA"),
      Codec(payloadType: 101, name: "telephone-event", parameters: Array("0-16".utf8)),
    ]
    let made = SessionDescription(
      origin: Origin(id: 1, version: 1, address: ours6),
      media: [MediaDescription(.audio, port: 4000, codecs: codecs, packetTimeMs: 20)])
    let read = try SessionDescription(parsing: made.serialized())
    #expect(read == made && read.media[0].codecs == codecs)
    #expect(read.endpoint(of: 0) == Endpoint(ours6, 4000))
  }

  @Test("Profiles change between clear and protected, and keep their feedback")
  func profiles() {
    #expect(MediaProfile.avpf.secured(true) == .savpf && MediaProfile.savp.secured(false) == .avp)
    #expect(MediaProfile.dtlsSAVPF.secured(true) == .savpf)
    #expect(MediaProfile.other([1]).secured(true) == .other([1]))
  }
}
