import Elements

/// One step of a program for the classic BPF machine of the kernel (Linux, Documentation/networking/filter.rst).
package struct SieveStep: Hashable, Sendable {
  package var code: UInt16
  /// How many steps are left out where a comparison holds, and where not.
  package var yes: UInt8 = 0
  package var no: UInt8 = 0
  package var value: UInt32
}

extension Sieve {
  /// What a socket of that family runs for each datagram, before it takes a place in its queue.
  ///
  ///     networks ──in one──▶ pass
  ///     the bit of the neighbourhood ──set──▶ pass
  ///     dice ──within the share──▶ pass, else drop
  package func program(isV4: Bool) -> [SieveStep] {
    var program = SieveProgram()
    for network in networks where network.address.isV4 == isV4 { program.compare(network) }
    program.hash(self, isV4: isV4)
    program.look(into: isV4 ? words4 : words6, from: 0, to: Self.wordCount)
    return program.finished(share: share)
  }
}

/// A program as it is being written; jumps to its end are filled in when that is known.
private struct SieveProgram {
  private enum Target { case pass, stranger, bit }

  private var steps: [SieveStep] = []
  private var jumps: [(step: Int, to: Target)] = []

  /// The instructions, as linux/bpf_common.h numbers them.
  private enum Code {
    static let load: UInt16 = 0x20  // A = the word of the packet at the value
    static let set: UInt16 = 0x00  // A = the value
    static let keep: UInt16 = 0x02  // M[0] = A
    static let recall: UInt16 = 0x60  // A = M[0]
    static let toX: UInt16 = 0x07  // X = A
    static let and: UInt16 = 0x54
    static let multiply: UInt16 = 0x24
    static let shiftRight: UInt16 = 0x74
    static let shiftRightByX: UInt16 = 0x7C
    static let exclusiveOrX: UInt16 = 0xAC
    static let jump: UInt16 = 0x05
    static let ifEqual: UInt16 = 0x15
    static let ifAtLeast: UInt16 = 0x35
    static let ifAnyBit: UInt16 = 0x45
    static let end: UInt16 = 0x06
  }

  /// Where the network header begins for a load, and a random number (linux/filter.h, SKF_NET_OFF and SKF_AD_RANDOM).
  private static let networkHeader = UInt32(bitPattern: -0x10_0000)
  private static let random = UInt32(bitPattern: -0x1000 + 56)
  private static let sourceV4 = networkHeader &+ 12
  private static let sourceV6 = networkHeader &+ 8

  private mutating func add(_ code: UInt16, _ value: UInt32 = 0, yes: UInt8 = 0, no: UInt8 = 0) {
    steps.append(SieveStep(code: code, yes: yes, no: no, value: value))
  }

  private mutating func jump(to target: Target) {
    jumps.append((steps.count, target))
    add(Code.jump)
  }

  /// Passes what is from a network, word by word.
  mutating func compare(_ network: IPNetwork) {
    let isV4 = network.address.isV4
    let halves = [network.address.high, network.address.low]
    let words =
      isV4
      ? [network.address.v4 ?? 0]
      : halves.flatMap { [$0 >> 32, $0 & 0xFFFF_FFFF] }.map(UInt32.init)
    let used = (network.length + 31) / 32
    for place in 0..<used {
      let bits = min(32, network.length - 32 * place)
      add(Code.load, (isV4 ? Self.sourceV4 : Self.sourceV6) &+ UInt32(4 * place))
      add(Code.and, UInt32.max << (32 - bits))
      // Over the words that are left, and the jump.
      add(Code.ifEqual, words[place], no: UInt8(3 * (used - 1 - place) + 1))
    }
    jump(to: .pass)
  }

  /// The number of the neighbourhood's word in A, that of its bit in X.
  mutating func hash(_ sieve: Sieve, isV4: Bool) {
    if isV4 {
      add(Code.load, Self.sourceV4)
    } else {
      add(Code.load, Self.sourceV6 &+ 4)
      add(Code.multiply, sieve.second)
      add(Code.toX)
      add(Code.load, Self.sourceV6)
      add(Code.exclusiveOrX)
    }
    add(Code.multiply, sieve.multiplier)
    add(Code.shiftRight, 32 - Sieve.indexBits)
    add(Code.keep)
    add(Code.and, 31)
    add(Code.toX)
    add(Code.recall)
    add(Code.shiftRight, 5)
  }

  /// Finds word A by halves; where there are only zeros, the search is over.
  mutating func look(into words: [UInt32], from: Int, to: Int) {
    guard words[from..<to].contains(where: { $0 != 0 }) else { return jump(to: .stranger) }
    guard to - from > 1 else {
      add(Code.set, words[from])
      return jump(to: .bit)
    }
    let middle = (from + to) / 2
    add(Code.ifAtLeast, UInt32(middle), no: 1)
    let right = steps.count
    add(Code.jump)
    look(into: words, from: from, to: middle)
    steps[right].value = UInt32(steps.count - right - 1)
    look(into: words, from: middle, to: to)
  }

  consuming func finished(share: UInt32) -> [SieveStep] {
    let bit = steps.count
    add(Code.shiftRightByX)
    add(Code.ifAnyBit, 1, yes: 2)
    let stranger = steps.count
    add(Code.load, Self.random)
    add(Code.ifAtLeast, share, yes: 1)
    let pass = steps.count
    add(Code.end, .max)
    add(Code.end, 0)
    for (step, target) in jumps {
      let place =
        switch target {
        case .pass: pass
        case .stranger: stranger
        case .bit: bit
        }
      steps[step].value = UInt32(place - step - 1)
    }
    return steps
  }
}
