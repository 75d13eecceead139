// Values in every shape that console.log lays out; Node.js itself says what is right.
for(const v of [[],{},[undefined,null],[,1],[1,,2],{a:undefined},"s",'a\nb',["a'b",'a"b','a\'b"c','\n\x01'],1e21,1n,[1n,2n],Symbol('x'),[Symbol('x')],{[Symbol('k')]:1},new Date(0),[new Date(0)],/a/g,[/a/],Object.create(null),new (class Foo{constructor(){this.a=1}}),[[[[1]]]],{a:{b:{c:{}}}},{f(){},g:()=>1,h:class X extends Map{}},new Uint8Array(3),[new Map([['a',[1,2]]])],new Set(['a',{b:1}]),true,[true],-0,[-0],NaN,Array(5),Array.from({length:120},(_, i)=>i),Array.from({length:30},(_, i)=>'item'+i),Array.from({length:8},(_, i)=>({id:i,name:'n'+i})),{long1:'aaaaaaaaaaaaaaaaaaaaaaaaaa',long2:'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',long3:'cccccccccccccccc'},[[1,2,3],[4,5,6],[7,8,9]],new Number(3),new String('abc'),Object.assign([1,2],{x:1}),{get a(){return 1},set b(x){}, get c(){return 1},set c(x){}},(function(){return arguments})(1,2),function(){},class{},async()=>{},function*g(){},new WeakMap(),{'a-b':1,'1':2,b_c:3},[['a',1],['b',2]],{x:[{y:[{z:1}]}]},[1.5,2.25,-3,100,1e-7,0,12345678],['a','bb','ccc','dddd','eeeee','ffffff','g'],Object.entries({a:1,b:2}),'a'.repeat(200),['a'.repeat(90)],{k:'line1\nline2 is a longer line here that goes past the width of the terminal ok'},[null,undefined,1,'a',true,{},[]],Math,JSON,globalThis===global,new Array(3).fill(0).map(()=>new Array(10).fill(1))]) console.log(v);
const o={n:1};o.self=o;console.log(o);console.log([o,o]);
console.log('%s is %d years and %i, %f, %j %%',"Bob",42.5,42.9,1.5,{a:1},'extra',{b:2});console.log('%s',null,undefined,5n,'%s');console.log('100%',5);console.log();console.log('a\tb');console.log(-0,[-0],'%d',5);console.log('%s',{a:{b:{c:1}}},[1,[2,[3]]]);
const {EventEmitter}=require('events');const e=new EventEmitter();e.once('x',v=>console.log('once',v));e.on('x',v=>console.log('on',v));e.emit('x',1);e.emit('x',2);
console.log(Buffer.from('héllo'),Buffer.from('héllo').toString('base64'),Buffer.from('aGk=','base64').toString(),Buffer.concat([Buffer.from('a'),Buffer.from('b')]).toString(), Buffer.from('€😀').toString(),Buffer.from('abc').toString('hex'));
const util=require('util');console.log(util.inspect({a:{b:{c:{d:1}}}},{depth:0}),util.format('%s-%d','a',1));
console.log(structuredClone({a:[1,{b:new Date(5)}],m:new Map([[1,2]])}));
console.log([3,1,2].toSorted(),[1,2,3].at(-1),'abc'.replaceAll('b','x'));
const assert=require('assert');assert.deepStrictEqual({a:[1,2]},{a:[1,2]});try{assert.strictEqual(1,2)}catch(e){console.log(e.name,e.code,e instanceof Error)}
console.group('G');console.log('in\nner');console.groupEnd();console.log('out');
console.log(require('path').join('/a','../b','c.js'),require('path').basename('/x/y.js','.js'));
var x=5;console.log(this===module.exports,typeof globalThis.x,typeof window,typeof print,__filename.length>0);
console.table&&0;
setTimeout(()=>{console.log('z')},0);const iv=setInterval(()=>{console.log('iv');if(++n==3)clearInterval(iv)},1);let n=0;
console.log(/a(?<n>b)/.exec('xab'), 'a-b'.split('-'), [..."ab"].entries().next(), Object.getOwnPropertyDescriptor({a:1},'a'), 'x'.match(/x/), 'xx'.matchAll);
console.log([ 'apple', 'banana', 'cherry', 'date', 'elderberry', 'fig', 'grape' ],[1,22,333,4444,55555,666666,7777777,88888888]);console.log({a:[1,2,3,{b:4}],s:new Set([[1,2]]),f:function foo(){},n:null,u:undefined,d:new Date(NaN)});
class P{constructor(x){this.x=x} get y(){return 1} toString(){return 'P'}} console.log(new P(1),[new P(2)],`${new P(3)}`,{p:new P({q:{r:{}}})});
class Q extends Array{} console.log(Q.from([1,2]),new (class M2 extends Map{})([[1,2]]),new (class E2 extends P{})(1));
console.log([[[[[]]]]],[[[{}]]],{a:{b:{c:[]}}},{a:{b:{c:new Map()}}},[['x','y'],['z']],{matrix:[[1,0,0],[0,1,0],[0,0,1]]},[{a:1,b:{c:2}},{a:1,b:{c:[1,2,{d:1}]}}]);
console.log(new Array(200).fill('ab'));console.log(Array.from({length:27},(_, i)=>i%3?i*1000:'s'+i));console.log([1.123456789,2.1,3.14159,4,5,6,7,8]);
