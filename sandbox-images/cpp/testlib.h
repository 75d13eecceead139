// proofbox's own header for checkers, interactors and validators that are written for testlib, the
// library by Mike Mirzayanov. It has the same names and means the same by them, as far as such programs
// use them; it is an independent work and shares no text with that library.
//
//     checker input output answer [report]        exit code 0 right, 1 wrong, 2 wrong form, 3 failure,
//     interactor input output [answer [report]]   4 more output than asked for, 7 points
//
// What is read wrongly from the output is the output's fault; from the input or the answer, the test's.
// Differences: `rnd` gives other numbers, and `_pc(n)` ends with code 7 and the points n / 200.

#ifndef PROOFBOX_TESTLIB_H
#define PROOFBOX_TESTLIB_H
#define _TESTLIB_H_

#include <algorithm>
#include <bitset>
#include <climits>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

enum TResult {
    _ok = 0, _wa = 1, _pe = 2, _fail = 3, _dirt = 4, _points = 5, _unexpected_eof = 8, _partially = 16
};
inline TResult _pc(int points) { return TResult(_partially + points); }

enum TMode { _input, _output, _answer };
enum TTestlibMode { _unknown, _checker, _validator, _generator, _interactor };

const char LF = '\n';
const char CR = '\r';
const char TAB = '\t';
const char SPACE = ' ';
const int EOFC = 255;

// ---- Texts ------------------------------------------------------------------------------------

inline bool isEof(int c) { return c == EOF || c == EOFC; }
inline bool isEoln(int c) { return c == LF || c == CR; }
inline bool isBlanks(int c) { return c == LF || c == CR || c == SPACE || c == TAB; }

inline std::string testlib_vformat(const char* form, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = std::vsnprintf(nullptr, 0, form, again);
    va_end(again);
    std::string text(length > 0 ? size_t(length) : 0, '\0');
    if (length > 0) std::vsnprintf(&text[0], text.size() + 1, form, arguments);
    return text;
}

#define TESTLIB_FORMATTED(form, text)                    \
    std::string text;                                    \
    {                                                    \
        va_list testlib_arguments;                       \
        va_start(testlib_arguments, form);               \
        text = testlib_vformat(form, testlib_arguments); \
        va_end(testlib_arguments);                       \
    }

inline std::string format(const char* form, ...) {
    TESTLIB_FORMATTED(form, text)
    return text;
}
template <typename S, typename... A>
typename std::enable_if<std::is_same<S, std::string>::value, std::string>::type format(const S& form, A... arguments) {
    const char* plain = form.c_str();
    return format(plain, arguments...);
}

template <typename T> std::string vtos(const T& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}
template <typename T> std::string toString(const T& value) { return vtos(value); }
template <typename T> std::string toHumanReadableString(const T& value) { return vtos(value); }

inline std::string upperCase(std::string text) {
    for (char& c : text) if ('a' <= c && c <= 'z') c = char(c - 'a' + 'A');
    return text;
}
inline std::string lowerCase(std::string text) {
    for (char& c : text) if ('A' <= c && c <= 'Z') c = char(c - 'A' + 'a');
    return text;
}
inline std::string trim(const std::string& text) {
    size_t from = 0, to = text.size();
    while (from < to && isBlanks((unsigned char)text[from])) from++;
    while (to > from && isBlanks((unsigned char)text[to - 1])) to--;
    return text.substr(from, to - from);
}
// A long text by its two ends.
inline std::string compress(const std::string& text) {
    return text.size() <= 64 ? text : text.substr(0, 30) + "..." + text.substr(text.size() - 31);
}
inline std::string __testlib_part(const std::string& text) { return compress(text); }
inline std::string englishEnding(int number) {
    number %= 100;
    if (number / 10 == 1) return "th";
    return number % 10 == 1 ? "st" : number % 10 == 2 ? "nd" : number % 10 == 3 ? "rd" : "th";
}
inline std::vector<std::string> split(const std::string& text, const std::string& separators) {
    std::vector<std::string> parts(1);
    for (char c : text) {
        if (separators.find(c) != std::string::npos) parts.emplace_back();
        else parts.back() += c;
    }
    return parts;
}
inline std::vector<std::string> split(const std::string& text, char separator) {
    return split(text, std::string(1, separator));
}
inline std::vector<std::string> tokenize(const std::string& text, const std::string& separators) {
    std::vector<std::string> parts = split(text, separators);
    parts.erase(std::remove(parts.begin(), parts.end(), std::string()), parts.end());
    return parts;
}
inline std::vector<std::string> tokenize(const std::string& text, char separator) {
    return tokenize(text, std::string(1, separator));
}
template <typename I> std::string join(I first, I last, const std::string& separator) {
    std::ostringstream out;
    for (I at = first; at != last; ++at) {
        if (at != first) out << separator;
        out << *at;
    }
    return out.str();
}
template <typename I> std::string join(I first, I last, char separator = ' ') {
    return join(first, last, std::string(1, separator));
}
template <typename C> std::string join(const C& items, const std::string& separator) {
    return join(items.begin(), items.end(), separator);
}
template <typename C> std::string join(const C& items, char separator = ' ') {
    return join(items.begin(), items.end(), std::string(1, separator));
}

// ---- Numbers ----------------------------------------------------------------------------------

inline bool __testlib_isNaN(double value) { return std::isnan(value); }
inline bool __testlib_isInfinite(double value) { return std::isinf(value); }

// Whether `result` is within an absolute or a relative error of `expected`.
inline bool doubleCompare(double expected, double result, double error) {
    const double least = 1e-15;
    if (std::isnan(expected)) return std::isnan(result);
    if (std::isinf(expected)) return std::isinf(result) && (expected > 0) == (result > 0);
    if (std::isnan(result) || std::isinf(result)) return false;
    if (std::abs(result - expected) <= error + least) return true;
    const double one = expected * (1.0 - error), other = expected * (1.0 + error);
    return std::min(one, other) - least <= result && result <= std::max(one, other) + least;
}
inline double doubleDelta(double expected, double result) {
    const double absolute = std::abs(result - expected);
    if (std::abs(expected) <= 1e-9) return absolute;
    return std::min(absolute, std::abs(absolute / expected));
}

// ---- Random numbers ---------------------------------------------------------------------------

class random_t {
    uint64_t state = 0x9e3779b97f4a7c15ULL;

    uint64_t bits() {
        // SplitMix64, by Steele, Lea and Flood.
        uint64_t mixed = (state += 0x9e3779b97f4a7c15ULL);
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
        return mixed ^ (mixed >> 31);
    }
    uint64_t below(uint64_t bound) {
        if (bound == 0) return bits();
        const uint64_t rest = (0 - bound) % bound;
        uint64_t drawn;
        do drawn = bits(); while (drawn < rest);
        return drawn % bound;
    }

public:
    void setSeed(long long seed) { state = uint64_t(seed); }
    void setSeed(int count, char* words[]) {
        state = 0x9e3779b97f4a7c15ULL;
        for (int i = 1; i < count; i++) {
            for (const char* c = words[i]; *c; c++) state = (state ^ (unsigned char)*c) * 0x100000001b3ULL;
            state = (state ^ 256) * 0x100000001b3ULL;
        }
    }
    double next() { return double(bits() >> 11) / 9007199254740992.0; }
    double next(double bound) { return next() * bound; }
    double next(double from, double to) { return from + next() * (to - from); }
    template <typename T> typename std::enable_if<std::is_integral<T>::value, T>::type next(T bound) {
        return T(below(uint64_t(bound)));
    }
    template <typename A, typename B>
    typename std::enable_if<std::is_integral<A>::value && std::is_integral<B>::value,
                            typename std::common_type<A, B>::type>::type
    next(A from, B to) {
        typedef typename std::common_type<A, B>::type T;
        return T(uint64_t(T(from)) + below(uint64_t(T(to)) - uint64_t(T(from)) + 1));
    }
    // The largest (type > 0) or least (type < 0) of several draws.
    template <typename T> T wnext(T bound, int type) {
        T drawn = next(bound);
        for (int i = 0; i < std::abs(type); i++) {
            const T other = next(bound);
            drawn = type > 0 ? std::max(drawn, other) : std::min(drawn, other);
        }
        return drawn;
    }
    template <typename T> T wnext(T from, T to, int type) { return T(from + wnext(T(to - from + 1), type)); }
    template <typename C> typename C::value_type any(const C& items) {
        auto at = items.begin();
        std::advance(at, next(int(items.size())));
        return *at;
    }
    template <typename T, typename E = T> std::vector<E> perm(T size, E first = 0) {
        std::vector<E> items(size_t(size), first);
        for (size_t i = 0; i < items.size(); i++) items[i] = E(first + E(i));
        for (size_t i = 1; i < items.size(); i++) std::swap(items[i], items[next(i + 1)]);
        return items;
    }
};
static random_t rnd;

template <typename I> void shuffle(I first, I last) {
    const long long size = last - first;
    for (long long i = 1; i < size; i++) std::swap(*(first + i), *(first + rnd.next(i + 1)));
}

// ---- Patterns: [a-z], {n}, {n,m}, *, +, ?, |, () ------------------------------------------------

class pattern {
    typedef std::vector<char> Places;
    struct Node {
        enum { Characters, Row, Choice, Repeat } kind = Row;
        std::bitset<256> characters;
        std::vector<Node> parts;
        long least = 0, most = 0;
    };
    std::string text;
    size_t at = 0;
    Node whole;

    bool more() const { return at < text.size(); }
    char take() {
        if (!more()) throw std::invalid_argument("pattern ends early: " + text);
        return text[at++];
    }
    char character() {
        const char c = take();
        return c == '\\' ? take() : c;
    }
    Node choice() {
        Node node;
        node.kind = Node::Choice;
        node.parts.push_back(row());
        while (more() && text[at] == '|') {
            at++;
            node.parts.push_back(row());
        }
        return node;
    }
    Node row() {
        Node node;
        while (more() && text[at] != '|' && text[at] != ')') node.parts.push_back(repeated(single()));
        return node;
    }
    Node single() {
        Node node;
        if (text[at] == '(') {
            at++;
            node = choice();
            if (take() != ')') throw std::invalid_argument("pattern misses ')': " + text);
            return node;
        }
        node.kind = Node::Characters;
        if (text[at] != '[') {
            const bool any = text[at] == '.';
            const unsigned char c = (unsigned char)character();
            if (any) node.characters.set();
            else node.characters.set(c);
            return node;
        }
        at++;
        const bool negated = more() && text[at] == '^';
        if (negated) at++;
        while (more() && text[at] != ']') {
            const unsigned char from = (unsigned char)character();
            unsigned char to = from;
            if (at + 1 < text.size() && text[at] == '-' && text[at + 1] != ']') {
                at++;
                to = (unsigned char)character();
            }
            for (int c = from; c <= to; c++) node.characters.set(size_t(c));
        }
        if (take() != ']') throw std::invalid_argument("pattern misses ']': " + text);
        if (negated) node.characters.flip();
        return node;
    }
    long number() {
        long value = 0;
        while (more() && '0' <= text[at] && text[at] <= '9') value = value * 10 + (take() - '0');
        return value;
    }
    Node repeated(Node inner) {
        while (more() && std::strchr("*+?{", text[at])) {
            Node node;
            node.kind = Node::Repeat;
            const char how = take();
            node.least = how == '+' ? 1 : 0;
            node.most = how == '?' ? 1 : LONG_MAX;
            if (how == '{') {
                node.least = node.most = number();
                if (more() && text[at] == ',') {
                    at++;
                    node.most = more() && text[at] == '}' ? LONG_MAX : number();
                }
                if (take() != '}') throw std::invalid_argument("pattern misses '}': " + text);
            }
            node.parts.push_back(inner);
            inner = node;
        }
        return inner;
    }
    // Where the node can end in `word` if it starts at one of the places.
    static Places ends(const Node& node, const std::string& word, const Places& starts) {
        Places found(word.size() + 1, 0);
        switch (node.kind) {
        case Node::Characters:
            for (size_t i = 0; i < word.size(); i++)
                if (starts[i] && node.characters[(unsigned char)word[i]]) found[i + 1] = 1;
            return found;
        case Node::Row:
            found = starts;
            for (const Node& part : node.parts) found = ends(part, word, found);
            return found;
        case Node::Choice:
            for (const Node& part : node.parts) {
                const Places some = ends(part, word, starts);
                for (size_t i = 0; i < found.size(); i++) found[i] = char(found[i] | some[i]);
            }
            return found;
        case Node::Repeat: break;
        }
        Places now = starts;
        for (long round = 0; round <= node.most; round++) {
            bool news = round < node.least;
            if (round >= node.least)
                for (size_t i = 0; i < found.size(); i++)
                    if (now[i] && !found[i]) found[i] = 1, news = true;
            if (!news || round == node.most) break;
            now = ends(node.parts[0], word, now);
        }
        return found;
    }

public:
    pattern(const std::string& text) : text(text) {
        whole = choice();
        if (more()) throw std::invalid_argument("pattern has too many ')': " + text);
    }
    bool matches(const std::string& word) const {
        Places starts(word.size() + 1, 0);
        starts[0] = 1;
        return ends(whole, word, starts)[word.size()] != 0;
    }
    std::string src() const { return text; }
};

#include "testlib_streams.h"

#endif
