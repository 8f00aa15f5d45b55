import Elements

/// One step of a program for the classic BPF machine of the kernel (Linux, Documentation/networking/filter.rst).
package struct SieveStep: Hashable, Sendable {
  package var code: UInt16
  /// How many steps are left out where a comparison holds, and where not.
  package var yes: UInt8 = 0
  package var no: UInt8 = 0
  package var value: UInt32
}

/// A program of a sieve as it is being written; jumps to its end are filled in when that is known.
///
///     networks ──in one──▶ pass
///     neighbourhood ──known, or its bit is set──▶ pass
///     dice ──within the share──▶ pass, else drop
struct SieveProgram {
  /// The kernel makes one or two steps of its own of each of ours, eight bytes long, and takes no more than 20,480 bytes of them for
  /// a socket (net.core.optmem_max, before Linux 6.8; more since).
  static let mostWeight = 2_500

  private enum Target { case pass, stranger, bit }

  private let isV4: Bool
  private var steps: [SieveStep] = []
  private var jumps: [(step: Int, to: Target)] = []

  /// The instructions, as linux/bpf_common.h numbers them.
  private enum Code {
    static let load: UInt16 = 0x20  // A = the word of the packet at the value
    static let set: UInt16 = 0x00  // A = the value
    static let keep: UInt16 = 0x02  // M[value] = A
    static let recall: UInt16 = 0x60  // A = M[value]
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
  /// What a load from a datagram weighs, which the kernel does in several steps.
  private static let loadWeight = 8
  /// Keys that are compared one after the other at the end of a search.
  private static let leafKeys = 8

  /// Begins with what is looked at: the words of the source that make its neighbourhood, in M[0] and M[1].
  init(isV4: Bool) {
    self.isV4 = isV4
    for place in 0..<(isV4 ? 1 : 2) as Range<UInt32> {
      add(Code.load, (isV4 ? Self.sourceV4 : Self.sourceV6) &+ 4 * place)
      add(Code.keep, place)
    }
  }

  private mutating func add(_ code: UInt16, _ value: UInt32 = 0, yes: UInt8 = 0, no: UInt8 = 0) {
    steps.append(SieveStep(code: code, yes: yes, no: no, value: value))
  }

  private mutating func jump(to target: Target) {
    jumps.append((steps.count, target))
    add(Code.jump)
  }

  /// Passes what is from a network that is wider than a neighbourhood, word by word.
  mutating func compare(_ network: IPNetwork) {
    let words =
      network.address.v4.map { [$0] }
      ?? [UInt32(network.address.high >> 32), UInt32(truncatingIfNeeded: network.address.high)]
    let used = max(1, (network.length + 31) / 32)
    for place in 0..<min(used, words.count) {
      let bits = min(32, network.length - 32 * place)
      add(Code.recall, UInt32(place))
      if bits < 32 { add(Code.and, UInt32.max << (32 - bits)) }
      // Over the words that are left, and the jump.
      let rest = (place + 1..<used).reduce(1) { $0 + (network.length - 32 * $1 < 32 ? 3 : 2) }
      add(Code.ifEqual, words[place], no: UInt8(rest))
    }
    jump(to: .pass)
  }

  /// Passes whose neighbourhood is known.
  mutating func look(for marks: SieveMarks, _ hash: SieveHash) {
    if isV4 {
      add(Code.recall, 0)
    } else {
      add(Code.recall, 1)
      add(Code.multiply, hash.second)
      add(Code.toX)
      add(Code.shiftRight, SieveHash.fold)
      add(Code.exclusiveOrX)
      add(Code.multiply, hash.third)
      add(Code.toX)
      add(Code.recall, 0)
      add(Code.exclusiveOrX)
    }
    switch marks {
    case .keys(let keys): find(keys[...])
    case .bits(let words):
      // The number of the word in A, that of its bit in X.
      add(Code.multiply, hash.multiplier)
      add(Code.shiftRight, 32 - SieveHash.indexBits)
      add(Code.keep, 0)
      add(Code.and, 31)
      add(Code.toX)
      add(Code.recall, 0)
      add(Code.shiftRight, 5)
      find(in: words, from: 0, to: words.count)
    }
  }

  /// Finds A among sorted keys by halves.
  private mutating func find(_ keys: ArraySlice<UInt32>) {
    guard keys.count > Self.leafKeys else {
      for (place, key) in keys.enumerated() {
        // Over the keys that are left, and the jump for none of them.
        add(Code.ifEqual, key, yes: UInt8(keys.count - place))
      }
      jump(to: .stranger)
      if !keys.isEmpty { jump(to: .pass) }
      return
    }
    let middle = keys.startIndex + keys.count / 2
    let right = branch(atLeast: keys[middle])
    find(keys[..<middle])
    land(right)
    find(keys[middle...])
  }

  /// Finds word A by halves; where there are only zeros, the search is over.
  private mutating func find(in words: [UInt32], from: Int, to: Int) {
    guard words[from..<to].contains(where: { $0 != 0 }) else { return jump(to: .stranger) }
    guard to - from > 1 else {
      add(Code.set, words[from])
      return jump(to: .bit)
    }
    let middle = (from + to) / 2
    let right = branch(atLeast: UInt32(middle))
    find(in: words, from: from, to: middle)
    land(right)
    find(in: words, from: middle, to: to)
  }

  /// Goes on here where A is less, and where the branch lands where not.
  private mutating func branch(atLeast value: UInt32) -> Int {
    add(Code.ifAtLeast, value, no: 1)
    add(Code.jump)
    return steps.count - 1
  }

  private mutating func land(_ branch: Int) {
    steps[branch].value = UInt32(steps.count - branch - 1)
  }

  /// The whole program, and what it weighs for the kernel.
  consuming func finished(share: UInt32) -> (steps: [SieveStep], weight: Int) {
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
    return (steps, steps.reduce(0) { $0 + Self.weight($1) })
  }

  private static func weight(_ step: SieveStep) -> Int {
    switch step.code {
    case Code.load: loadWeight
    // A number that is negative with a sign goes through a register; an end that is no comparison's has a step before it.
    case Code.ifEqual, Code.ifAtLeast, Code.ifAnyBit: step.value > UInt32(Int32.max) ? 2 : 1
    case Code.end: 2
    case _: 1
    }
  }
}
