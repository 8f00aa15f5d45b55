import SDP

/// Bodies as devices of different makes write them.
enum Samples {
  /// A desk phone: audio, optional keys, telephone events.
  static let deskPhone = """
    v=0
    o=- 20012 20012 IN IP4 192.168.1.5
    s=SDP data
    c=IN IP4 192.168.1.5
    t=0 0
    m=audio 11796 RTP/AVP 9 0 8 18 101
    a=rtpmap:9 G722/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:18 G729/8000
    a=fmtp:18 annexb=no
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=ptime:20
    a=sendrecv

    """

  /// A soft phone: keys, ICE, video, ZRTP, what nobody knows, and a line of its own for c=.
  static let softPhone = """
    v=0
    o=alice 3724 3725 IN IP6 2001:db8::5
    s=Talk
    t=0 0
    a=ice-ufrag:F7gI
    a=ice-pwd:x9cml/YzichV2+XlhiMu8g
    a=group:BUNDLE as vs
    a=x-vendor:keep me
    a=fingerprint:sha-256 AA:BB
    m=audio 7078 RTP/SAVP 96 0 97
    i=voice
    c=IN IP6 2001:db8::5
    b=AS:80
    a=rtpmap:96 opus/48000/2
    a=fmtp:96 useinbandfec=1
    a=rtpmap:97 telephone-event/48000
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz
    a=crypto:2 AEAD_AES_256_GCM inline:abc
    a=zrtp-hash:1.10 fe30efd02423cb054e50efd0248742ac7a52c8f91bc2df881ae642c371ba46df
    a=rtcp:7079 IN IP6 2001:db8::5
    a=rtcp-mux
    a=mid:as
    a=candidate:1 1 UDP 2130706431 2001:db8::5 7078 typ host
    a=candidate:1 2 UDP 2130706430 2001:db8::5 7079 typ host
    a=rtcp-fb:* trr-int 1000
    m=video 9078 RTP/AVPF 98
    c=IN IP6 2001:db8::5
    a=rtpmap:98 H264/90000
    a=fmtp:98 profile-level-id=42801F
    a=rtcp-fb:98 nack pli
    a=mid:vs

    """

  static func parse(_ text: String) throws(SDPError) -> SessionDescription {
    try SessionDescription(parsing: bytes(text))
  }

  static func bytes(_ text: String) -> [UInt8] {
    Array(text.split(separator: "\n").map { $0 + "\r\n" }.joined().utf8)
  }

  static func text(_ description: SessionDescription) -> [Substring] {
    String(decoding: description.serialized(), as: UTF8.self).split(separator: "\r\n")
  }
}
