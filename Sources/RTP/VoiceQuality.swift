import Elements

/// How good a voice stream sounds: the E-model of ITU-T G.107 with its defaults.
///
/// Simplified to what a relay can measure: loss, delay and codec (Cole and Rosenbluth, "Voice over IP
/// performance monitoring", 2001).
package enum VoiceQuality {
  /// Transmission rating without any impairment (G.107 defaults).
  package static let bestRating = 93.2

  /// The transmission rating R, 0 to 93.2.
  ///
  /// `lossShare` is from 0 to 1 and taken as random; `delay` is one way, mouth to ear.
  package static func rating(
    encoding: PayloadFormat.Encoding, lossShare: Double, delay: Duration
  ) -> Double {
    let milliseconds = Double(delay.wholeNanoseconds) / 1_000_000
    let delayImpairment =
      0.024 * milliseconds + (milliseconds > 177.3 ? 0.11 * (milliseconds - 177.3) : 0)
    let (impairment, robustness) = equipment(encoding)
    let percent = max(0, min(lossShare, 1)) * 100
    let lossImpairment = impairment + (95 - impairment) * percent / (percent + robustness)
    return max(0, bestRating - delayImpairment - lossImpairment)
  }

  /// The mean opinion score of a rating, 1.0 to 4.5 (G.107 Annex B).
  package static func meanOpinionScore(rating: Double) -> Double {
    if rating <= 0 { return 1 }
    if rating >= 100 { return 4.5 }
    // Below R = 6.5 the polynomial falls under 1, which no listener can say.
    return max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)
  }

  /// The score of a stream measured by a relay.
  ///
  /// Mouth to ear is taken as half the round trip, a playout buffer of twice the jitter, and 40 ms to
  /// fill and hold a packet.
  package static func meanOpinionScore(
    encoding: PayloadFormat.Encoding, lossShare: Double, jitter: Duration, roundTrip: Duration?
  ) -> Double {
    let delay = (roundTrip ?? .zero) / 2 + jitter * 2 + .milliseconds(40)
    return meanOpinionScore(
      rating: rating(encoding: encoding, lossShare: lossShare, delay: delay))
  }

  /// Equipment impairment and packet loss robustness (ITU-T G.113 Appendix I).
  ///
  /// Wideband codecs and unknown ones are taken like G.711 with concealment; where no robustness is
  /// published it is a cautious 10.
  private static func equipment(_ encoding: PayloadFormat.Encoding) -> (Double, Double) {
    switch encoding {
    case .pcmu, .pcma, .g722, .opus, .speex, .telephoneEvent, .comfortNoise, .other: (0, 25.1)
    case .g729: (11, 19)
    case .g723: (15, 16.1)
    case .gsm: (20, 10)
    case .g726: (7, 10)
    case .ilbc: (10, 10)
    }
  }
}
